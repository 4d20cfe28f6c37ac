"""Records: what is kept, what points to what, which translation is out of date; import and export."""
