"""Toxic words: lists, and what a word of them weighs."""
