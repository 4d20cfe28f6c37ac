"""Limits: how often something may be done, counted in the database by all processes together."""
