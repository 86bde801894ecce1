"""Examinations of what models know."""
