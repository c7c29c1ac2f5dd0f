"""From locations to what the names of the checkpoints there say."""
