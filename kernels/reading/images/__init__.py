"""Images, and conversations about them."""
