"""Artifacts that persist, one factory a stage, and their checks."""
