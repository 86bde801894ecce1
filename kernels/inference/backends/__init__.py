"""What can answer in place of our own engine, one file a back end."""
