"""Single documents followed through the graph."""
