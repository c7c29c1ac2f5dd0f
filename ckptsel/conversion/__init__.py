"""A checkpoint made of a checkpoint: of another format, or of the same with other values."""
