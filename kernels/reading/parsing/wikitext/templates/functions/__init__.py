"""Parser functions of wikitext, and the variables of a page."""
