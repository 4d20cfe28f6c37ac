"""External links of published records: found, looked at politely, and told when they are broken."""
