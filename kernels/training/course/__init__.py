"""How long a training is and how fast it learns along the way."""
