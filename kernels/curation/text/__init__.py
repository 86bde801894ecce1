"""Words, lines and characters of texts, as flat arrays that all rules share."""
