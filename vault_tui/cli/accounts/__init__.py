"""Accounts at providers, pools of them, and their logins."""
