"""Finding documents that say the same."""
