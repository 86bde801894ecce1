"""Families of models, one a module."""
