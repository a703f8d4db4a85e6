"""Who is told, by whom they can be reached, and the notices that are written for it."""
