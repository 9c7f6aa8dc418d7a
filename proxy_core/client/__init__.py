"""Typed clients of the worker's API, and the event stream with resume."""
