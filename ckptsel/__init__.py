"""Find the best checkpoint in a folder of checkpoints, by the metric in their names."""

__version__ = "0.1.0"
