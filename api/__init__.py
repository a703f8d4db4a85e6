"""REST for programs: FastAPI routes that check, call a use case, and show what came of it."""
