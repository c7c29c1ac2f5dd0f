"""What is in a checkpoint, how it is loaded, and whether it fits a model."""
