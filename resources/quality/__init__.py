"""Great Expectations and its Data Docs."""
