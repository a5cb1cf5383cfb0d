"""The encoders that the protocol in core/encoder.py is filled with."""
