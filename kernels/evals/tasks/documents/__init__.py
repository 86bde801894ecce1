"""Held-out documents: how likely a model finds them, which word is hidden, and what it writes."""
