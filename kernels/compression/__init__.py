"""Ways to make a checkpoint smaller."""
