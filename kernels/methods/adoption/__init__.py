"""Checkpoints that others made."""
