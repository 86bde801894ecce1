"""Trainings that take a model further on conversations: what they are told, what they read, and their losses."""
