"""From a draft to a published record: writing, review, publishing."""
