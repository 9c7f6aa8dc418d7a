"""OAuth's network side: token endpoints, discovery, the loopback callback.

Rules
- Every address comes from the network guard and is dialled as it was answered.
- https only, verified; http to a loopback address only where that was asked for.
- No redirect is followed, no reply above 1 MiB is read, nothing lasts longer than its time limit.
- No token, code or secret is in an exception's text.
"""
