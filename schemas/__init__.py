"""What crosses a boundary: records, vocabularies, questions and answers. Imports nothing of ours."""
