"""Tests: behaviour sentences, a folder a package."""
