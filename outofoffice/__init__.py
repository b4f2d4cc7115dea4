"""Upload of absences. Starts with the issue on out-of-office."""
