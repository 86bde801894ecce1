"""Ways to train a checkpoint."""
