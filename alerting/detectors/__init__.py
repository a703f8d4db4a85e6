"""Pure detectors, one file each: `(state, said, rule, now) → (state, findings)`."""
