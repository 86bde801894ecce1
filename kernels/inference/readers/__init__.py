"""What passes tokens of several sequences through a model, one file a kind of model."""
