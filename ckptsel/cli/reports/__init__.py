"""What a command found, told in each of the output formats."""
