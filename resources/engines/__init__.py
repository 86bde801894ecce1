"""Processes and machines that make data cells."""
