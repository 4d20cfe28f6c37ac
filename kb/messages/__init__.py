"""Messages between people, without anybody's address."""
