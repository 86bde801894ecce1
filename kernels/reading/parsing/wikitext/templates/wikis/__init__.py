"""Templates of the Wikipedias in other languages, one file a language."""
