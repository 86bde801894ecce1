"""What clients ask in several forms, as one: conversations, wishes, calls of tools, and answers as they come."""
