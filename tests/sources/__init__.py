"""Tests of the logs beside checkpoints, and of how they are joined."""
