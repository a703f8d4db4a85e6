"""Measurements and the crash test: real broker, real server, real databases, separate processes."""
