"""What an error tells, besides its message."""

from __future__ import annotations

import sys
import traceback

import pytest

from ckptsel.errors import CkptselError


@pytest.mark.skipif(sys.version_info < (3, 11), reason="earlier versions of Python have no notes")
def test_a_traceback_shows_what_to_do() -> None:
    """In a training nobody prints the hint: it stands below the message, with the details."""
    error = CkptselError("no", hint="try again", details=("one", "two"))
    assert traceback.format_exception(error)[-4:] == [
        "ckptsel.errors.CkptselError: no\n",
        "one\n",
        "two\n",
        "try again\n",
    ]
    assert str(error) == "no"
