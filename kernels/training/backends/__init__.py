"""Trainers of other libraries, each behind one adapter."""
