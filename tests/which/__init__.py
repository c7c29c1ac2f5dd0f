"""Tests of `ckptsel.which`."""
