"""Credentials that prove themselves to clouds otherwise than by being sent."""
