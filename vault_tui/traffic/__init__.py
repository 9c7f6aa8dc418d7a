"""Live requests: the ring they are kept in, how a row reads, and what can be made of rows."""
