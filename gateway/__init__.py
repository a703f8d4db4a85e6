"""Composition root: MQTT sessions, the ingest pipeline, loops, command line, migrations."""
