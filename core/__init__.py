"""What the write path and the read path must agree on."""
