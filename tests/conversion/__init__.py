"""Tests of the conversions, with files of the real frameworks."""
