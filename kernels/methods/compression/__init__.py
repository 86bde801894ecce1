"""Checkpoints made smaller."""
