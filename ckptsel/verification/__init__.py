"""Whether checkpoints are whole, finite and safe to load."""
