"""What was read, kept in pages that sequences share."""
