"""Personal data: where it stands in a text, and what replaces it."""
