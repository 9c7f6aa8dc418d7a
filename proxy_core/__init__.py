"""The worker: proxy, store, policy and HTTP API. Knows no terminal."""
