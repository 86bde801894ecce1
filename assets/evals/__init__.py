"""Scores of models, the leaderboard over them, and the release."""
