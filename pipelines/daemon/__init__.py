"""What runs by itself: schedules, sensors, the UI."""
