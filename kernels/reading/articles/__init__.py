"""The article of a web page, told from its menus, advertisements and comments."""
