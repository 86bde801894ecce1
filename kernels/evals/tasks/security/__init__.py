"""Bias, privacy and attacks."""
