"""People: accounts, roles, sessions, second factors, tokens."""
