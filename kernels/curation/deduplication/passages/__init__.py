"""Repeated passages within documents, cut out."""
