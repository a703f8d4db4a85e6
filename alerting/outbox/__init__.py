"""From a written notice to an attempt, and what came of it."""
