"""Wikitext as plain text."""
