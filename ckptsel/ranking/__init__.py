"""From what the names say to checkpoints in their order."""
