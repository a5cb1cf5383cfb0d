"""The lite judge: evidence weighed into a calibrated relevance, on the CPU, without torch."""

from rerank.lite.judge import LiteReranker

__all__ = ["LiteReranker"]
