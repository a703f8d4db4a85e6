"""Devices as equipment: enrolled, tested, commanded, watched over, replaced, counted."""
