"""Connecting logins at providers: a person agrees in a browser, and tokens are stored.

Rules
- What is under way lives in memory alone, for 10 minutes, and there are only so many.
- A state counts once, and only for the flow that made it.
- Nothing is stored unless the provider has issued tokens; what it has issued is stored even if
  the person's client has left.
"""
