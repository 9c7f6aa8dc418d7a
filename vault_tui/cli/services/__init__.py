"""Services: from options, files and hosts that were seen."""
