"""Other programs' settings."""
