"""Worlds of devices that are not there: what a process of them would hold and send, and for how long."""
