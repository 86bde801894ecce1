"""Attention on a GPU by kernels of our own: FlashAttention of packed sequences, and attention of single queries at keys in pages."""
