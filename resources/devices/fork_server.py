"""Imported by the server that jobs are forked from, first and by nobody else: importing it ties the server's life to its parent's.

Libraries draw no progress bars in jobs, whose output is a log; tqdm reads the variable when it is imported.
"""

import os

from resources.devices.lifeline import die_with_parent

die_with_parent()
os.environ["TQDM_DISABLE"] = "1"
