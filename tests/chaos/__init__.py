"""Proof under faults: the real programs on PostgreSQL and Redis, killed and cut off again and again."""
