"""What is written down of a training."""
