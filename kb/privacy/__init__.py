"""What is known about people: the table of it, exporting, erasing, and how long things are kept."""
