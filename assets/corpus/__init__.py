"""The corpus: from source files to documents that tokens are made from."""
