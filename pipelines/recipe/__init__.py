"""The recipe: its schema, its file, and the graph that it states."""
