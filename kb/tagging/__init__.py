"""Tags: what was suggested, what was decided by whom on which passage, and what became of it."""
