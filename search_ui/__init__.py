"""The site in three languages, and the one place that assembles the application."""

__version__ = "1.0.0"
