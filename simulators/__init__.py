"""Invented homes, the devices in them and the telephones around them; for the demo and tests."""
