"""Reproducible measurements of quality and speed, each printing one table."""
