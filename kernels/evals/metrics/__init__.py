"""Metrics that several tasks share, one a module."""
