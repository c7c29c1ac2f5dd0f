"""A checkpoint of one format made of one of another: which can be, how, and whether it came out."""
