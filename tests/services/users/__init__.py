"""Users of the network."""
