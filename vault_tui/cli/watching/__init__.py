"""What happens, who did it, and what is wrong."""
