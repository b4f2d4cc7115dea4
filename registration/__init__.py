"""Ticket systems that register here, and this portal's own registration. Starts with the issue on registration."""
