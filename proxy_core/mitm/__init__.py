"""The proxy's data path: framing, TLS, certificates, upstream pool."""
