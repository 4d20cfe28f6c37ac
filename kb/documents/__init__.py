"""Documents and pages that people show us, as text: read apart from this process, kept nowhere."""
