"""Housekeeping and judging from the command line."""
