"""Facts for `vault-tui doctor` and for the console's view of it; the rules are the domain's."""
