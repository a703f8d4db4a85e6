"""Rules on readings of the past: what they would have raised, and what that means for people."""
