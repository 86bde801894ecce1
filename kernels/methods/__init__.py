"""Ways to make a checkpoint."""
