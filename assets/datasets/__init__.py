"""Data sets that modelmill makes itself."""
