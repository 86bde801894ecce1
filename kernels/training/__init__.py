"""What training loops share."""
