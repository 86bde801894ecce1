"""Where things are and run: lake, home, devices, launchers, packages."""
