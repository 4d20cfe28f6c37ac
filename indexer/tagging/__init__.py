"""From a text to suggested goals, targets, gender themes and the gender marker, with evidence; learning from decisions."""
