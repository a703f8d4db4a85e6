"""Many devices at once, from a spreadsheet: read, judged row by row, stored in small pieces."""
