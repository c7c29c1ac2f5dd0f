"""What each format needs to be written anew as it was, with other values."""
