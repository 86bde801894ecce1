"""How a step is computed: precision, memory, compilation and chance."""
