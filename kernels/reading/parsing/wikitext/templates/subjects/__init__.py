"""Templates by what they are about: ships, places, roads, money, people, sport, sources."""
