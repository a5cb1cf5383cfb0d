"""The read path: a query in, products in order out."""
