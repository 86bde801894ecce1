"""What is wrong with a recipe of good form."""
