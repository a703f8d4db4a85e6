"""From a finding to a closed case: opening, what people do, and what is due."""
