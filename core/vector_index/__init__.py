"""Here is a vector: which products are near? FAISS and the index files are known in this package only."""

from core.vector_index.files import repairing
from core.vector_index.index import VectorIndex
from core.vector_index.publication import Changes, publish_anew
from core.vector_index.tuning import Tuned
from core.vector_index.writing import Making

__all__ = ["Changes", "Making", "Tuned", "VectorIndex", "publish_anew", "repairing"]
