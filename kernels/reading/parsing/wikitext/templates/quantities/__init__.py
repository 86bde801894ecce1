"""Numbers, units and what is computed from them."""
