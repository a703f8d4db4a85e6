"""Devices told in a TOML file instead of code: what the file says, checked and made a family."""
