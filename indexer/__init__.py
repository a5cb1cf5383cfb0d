"""The write path: a feed in, products, vectors and an index out."""
