"""The site in three languages, and the one place that assembles the application."""

__version__ = "0.1.0"
