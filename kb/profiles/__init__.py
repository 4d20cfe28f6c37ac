"""Experts' own profiles: whose they are, what proves them, and whether they still hold."""
