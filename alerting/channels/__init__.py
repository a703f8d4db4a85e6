"""Ways out: each channel says what it can do and turns one notice into one attempt."""
