"""Bytes in, events out. One file a device family, no I/O, nothing known of homes or people."""
