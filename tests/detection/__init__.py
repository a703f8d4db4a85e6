"""Tests of the pure detectors."""
