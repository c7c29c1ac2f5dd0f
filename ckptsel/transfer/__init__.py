"""What is done with the chosen checkpoint; every write is atomic."""
