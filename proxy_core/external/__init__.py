"""Programs of others that are run for a credential's value.

executable    which file a name means, and whether nobody else could have changed it
process       one run: no shell, no input, bounded in time and output
"""
