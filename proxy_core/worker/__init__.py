"""Composition root: listeners, API routes, background tasks."""
