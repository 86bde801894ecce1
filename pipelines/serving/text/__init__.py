"""What models write: calls of tools, and tokens one by one."""
