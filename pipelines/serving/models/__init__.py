"""Models that are served: loaded from the lake, and taken over from one version to the next."""
