"""Which blocks of a page are its article: compiled judgements of elements, parts and lines."""
