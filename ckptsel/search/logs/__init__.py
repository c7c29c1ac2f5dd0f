"""What the names do not say: the logs of the runs, joined to the checkpoints that were found."""
