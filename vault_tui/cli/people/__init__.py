"""Who signs in: to the worker, at an issuer, over the network."""
