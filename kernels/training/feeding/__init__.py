"""Rows of a mixture as the batches that a model learns from."""
