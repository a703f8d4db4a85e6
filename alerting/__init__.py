"""Findings become incidents, incidents find people: pure decisions, and use cases around them."""
