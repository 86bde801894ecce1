"""What a training goes on from when it was killed."""
