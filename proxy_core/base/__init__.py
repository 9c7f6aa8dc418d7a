"""Errors, safe text, clocks, ids, paths and names of variables: what every floor may use."""
