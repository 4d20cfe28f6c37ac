"""Text to suggested tags: the goals with their targets, the gender themes, the marker; each with the passage it rests on."""
