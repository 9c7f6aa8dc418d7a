"""Errors, safe text, clock and ids: what every floor may use."""
