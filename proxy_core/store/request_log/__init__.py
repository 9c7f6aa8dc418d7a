"""The request log at rest: a sink that nobody waits for, and reading it by cursor and filter."""
