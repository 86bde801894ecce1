"""Text out of markup."""
