"""The routes, one file each: a module declares one constant, ``ROUTE``."""
