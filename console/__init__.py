"""Pages for people: duty desk, visitor's phone, contact's link, devices, files; server-rendered."""
