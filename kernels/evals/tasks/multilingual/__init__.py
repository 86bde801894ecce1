"""The same asked in many languages."""
