"""Keys and passwords in texts."""
