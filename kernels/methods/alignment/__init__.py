"""Checkpoints taught to follow instructions and preferences."""
