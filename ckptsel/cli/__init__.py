"""The command line: options, one core call, output."""
