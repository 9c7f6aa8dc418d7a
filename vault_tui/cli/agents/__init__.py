"""Agents, their sessions and devices, and what they may use."""
