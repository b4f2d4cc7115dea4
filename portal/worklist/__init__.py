"""The start page: what waits for the user, line by line, and the way to the first order."""
