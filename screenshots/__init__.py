"""Pictures of the console, and how they are made."""
