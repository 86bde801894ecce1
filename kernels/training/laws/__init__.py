"""Laws of how loss falls with size and data."""
