"""Names alone."""

from __future__ import annotations

import pytest

from ckptsel.naming.parse import read_names


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(
    "name, status",
    [
        ("chk-model--0.9999.pt", "ambiguous"),
        # Two dashes separate elsewhere, too; or the metric cannot be negative.
        ("chk-model--acc--0.9999.pt", "ok"),
        ("chk--acc=0.5.pt", "ok"),
    ],
)
def test_two_dashes_alone(name: str, status: str, *, single: bool) -> None:
    """A minus or a separator: a name without siblings does not tell, and that is reported."""
    (reading,) = read_names([name], single=single)
    assert reading.status == status
    assert [f.code for f in reading.findings] == ["ambiguous-name"] * (status == "ambiguous")


def test_two_dashes_and_a_pattern() -> None:
    """Where a pattern is given, it alone says what matches."""
    (reading,) = read_names(["chk-model--0.9999.pt"], ["w-{epoch:02d}.pt"])
    assert reading.status == "no-match"
    (reading,) = read_names(["chk-model--0.9999.pt"], ["chk-model-{score:.4f}.pt"])
    assert {m.name: m.value for m in reading.metrics} == {"score": -0.9999}
