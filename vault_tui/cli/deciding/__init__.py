"""What agents ask for, and requests that wait for an answer."""
