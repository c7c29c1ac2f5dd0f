"""Rows out of text, tables and documents of any size, still being written, or hostile."""
