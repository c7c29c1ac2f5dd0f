"""Tests of ckptsel.history."""
