"""What guesses tokens ahead of a model, one file a way."""
