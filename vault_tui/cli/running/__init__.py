"""Commands started with credentials attached by the proxy."""
