"""What the commands of `mill` share."""
