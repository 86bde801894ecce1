"""Checkpoints from random weights."""
