"""The document type that every stage shares, and conversations."""
