"""Trained text classifiers, and how well they separate."""
