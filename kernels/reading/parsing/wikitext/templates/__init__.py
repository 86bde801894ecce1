"""What the templates of the English Wikipedia say, by what they are about."""
