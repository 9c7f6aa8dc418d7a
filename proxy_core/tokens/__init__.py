"""A person's own token on their own machine: signed in, kept, refreshed once, printed.

For programs that run a command to get a token. Needs no worker.

    quick.py         what can be said without any import that costs time
    repeats.py       who asks again, because it was refused
    kernel_cache.py  the token, for as long as it lives, in the kernel's memory (Linux)
    login.py         what is known of the login, in a file: nothing secret
    tokens.py        the secrets, as they are kept
    safes.py         where they are kept: the OS keyring, else `sealed_file.py`
    way.py           the way to the issuer: proxies and CAs
    https.py         requests to it
    issuer.py        what is asked of it
    holder.py        printing, refreshing exactly once, forgetting

Rules
- A rotated refresh token is stored before anything is printed, and a refresh isn't interrupted.
- No token in a file in clear, in an argument, in an error or on stderr.
"""
