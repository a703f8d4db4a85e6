"""One module a family of devices; `devices.registry` lists them."""
