"""What a model is asked to predict, one objective a module."""
