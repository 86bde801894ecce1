"""Texts cut where a tokenizer cuts them anyway, so that each different piece is encoded once."""
