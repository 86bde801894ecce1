"""A page as elements and blocks of text: one compiled pass over its markup."""
