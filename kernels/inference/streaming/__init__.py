"""Models larger than the memory that is there: layers pass through it, as BMInf has them (Han et al. 2022)."""
