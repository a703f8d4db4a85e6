"""How every home stands under its rule: who reaches a limit next, and whom no rule can watch."""
