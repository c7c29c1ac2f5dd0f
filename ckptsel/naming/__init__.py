"""Names into values and back: strings only, no file is touched."""
