"""Ways to adopt checkpoints made elsewhere."""
