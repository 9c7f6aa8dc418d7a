"""Real clients through the real worker, over real TLS."""
