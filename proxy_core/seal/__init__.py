"""Keys: the data encryption key, its slots, and sealing of secrets."""
