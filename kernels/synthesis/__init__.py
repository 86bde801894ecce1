"""Embedded data rendered from local text."""
