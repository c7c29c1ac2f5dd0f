"""Which row of a log belongs to which checkpoint. Pure: no file is touched."""
