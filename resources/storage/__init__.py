"""The lake and all other state on disk."""
