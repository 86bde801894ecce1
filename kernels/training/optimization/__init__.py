"""What moves weights by gradients."""
