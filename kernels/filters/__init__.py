"""Filters that documents pass."""
