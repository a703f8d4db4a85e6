"""From a batch of decoded messages to readings, states, events and findings."""
