"""Everyday knowledge and what follows from it, by choice among continuations."""
