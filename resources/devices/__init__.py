"""Devices, who holds which, and processes that use them."""
