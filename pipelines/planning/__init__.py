"""What is stale, and making it."""
