"""The parts of the lychee judge: prompt, checkpoint, vision features, shared prefix, batches."""
