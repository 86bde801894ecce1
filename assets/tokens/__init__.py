"""Tokenizers, shards, mixtures and their cards."""
