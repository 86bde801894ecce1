"""Benchmarks of one's own: a file of records, a template and metrics, all of it in the recipe."""
