"""The HTTP face: the only package that knows JSON and FastAPI."""
