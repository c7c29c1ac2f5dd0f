"""Tests of what is inside checkpoints."""

import pytest

# The suites live outside test_*.py; their asserts are to tell as much as those inside.
pytest.register_assert_rewrite("tests.formats.conformance", "tests.formats.damage")
