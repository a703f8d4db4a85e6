"""What every layer stands on: clock, ids, errors, settings, database session, logging, metrics."""
