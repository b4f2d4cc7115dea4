"""Help in place: the documents for users as pages, and how each figure is counted."""
