"""The clouds' own libraries, imported when a service first needs one.

Beside `store`, `seal`, `oauth` and `mitm`: nothing here knows a database or a socket.
"""
