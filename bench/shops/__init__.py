"""Judged made-up shops and their measure."""
