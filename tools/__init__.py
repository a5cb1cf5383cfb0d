"""Scripts that rebuild what is shipped: models, glossaries, vocabularies, the demo shop."""
