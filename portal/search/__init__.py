"""One box that finds tickets, customers, orders and whatever else has a number or a name."""
