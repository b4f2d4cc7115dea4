"""Client library for the Generic Interface of OTRS and Znuny.

Knows nothing of Django or of billing. ``client.Client`` asks, ``records`` holds the typed answers,
``errors`` says what went wrong; ``simulator`` is the stand-in ticket system.
"""
