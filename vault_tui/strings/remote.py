"""The words of a console at a worker elsewhere; the rest stand in `strings`."""

ONCE_MORE = "This needs the password that you signed in with, once more."
ONCE_MORE_HINT = "your password"
WHY_SIGNED_IN = "at a worker elsewhere, signing in is the proof: `vault-tui login` and `logout`"
