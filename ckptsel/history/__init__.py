"""One metric over the time of a training: from its log, or from its checkpoints."""
