"""Here is a vector: which products are near? FAISS and the index files are known in this package only."""

from core.vector_index.index import VectorIndex

__all__ = ["VectorIndex"]
