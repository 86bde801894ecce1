"""When things happen: recipes, planner, definitions, command line."""
