"""Ticket systems that register here and report weekly, and this portal's own registration."""
