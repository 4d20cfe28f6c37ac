"""How far the long jobs are, for those who run the site."""
