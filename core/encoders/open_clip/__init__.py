"""Any open_clip model as an encoder; only this package knows open_clip, and only its `encoder` loads it."""
