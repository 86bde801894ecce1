"""Questions about passages, and open ones."""
