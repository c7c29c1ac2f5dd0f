"""`ckptsel.jsonl`: a line for each checkpoint that training saved or removed, beside them.

The schema is written down in docs/keras.md. Lines are only ever added.
"""
