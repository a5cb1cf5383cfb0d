"""Hostile input, made up without end: what the parsers, the decoder and the API make of it."""
