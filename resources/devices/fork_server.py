"""Imported by the server that jobs are forked from, and by nobody else: importing it ties the server's life to its parent's."""

from resources.devices.lifeline import die_with_parent

die_with_parent()
