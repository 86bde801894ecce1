"""How good a model is: tasks, their statistics, what is made of scores."""
