"""The site's pages: one file per part, each with a ``router``; the templates have the same names."""
