"""The worker's process, its key, settings and copies."""
