"""Running filters: batches of texts, the chain of a source's filters, and the classifiers they ask."""
