"""Rules on readings of the past: the alarms they would have raised, and how good they are."""
