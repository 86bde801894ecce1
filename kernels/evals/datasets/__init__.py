"""Items of benchmarks: what one is, and records of the official file formats."""
