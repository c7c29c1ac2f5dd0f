"""Which epoch is this file? By its name, by a log, or by the checkpoint that holds the same."""
