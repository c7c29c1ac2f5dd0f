"""What Orbax writes: a tree of arrays in a folder."""
