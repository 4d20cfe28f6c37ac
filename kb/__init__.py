"""System of record: what people wrote, in a database."""
