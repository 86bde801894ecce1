"""How a model is asked: which option it finds likeliest, or what it writes."""
