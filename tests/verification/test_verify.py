"""Verifying one checkpoint, and many."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.checkpoint import Finding
from ckptsel.errors import CkptselError, DamagedError, MissingExtraError
from ckptsel.formats.contents import Contents, Tensor
from ckptsel.verification import verify as module
from ckptsel.verification.verify import verify, verify_all
from tests.formats.samples import foreign_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Fake(Contents):
    """Contents made by hand."""

    kind = "fake"

    def __init__(
        self,
        values: dict[str, Any],
        *,
        damage: tuple[Finding, ...] = (),
        dangers: tuple[Finding, ...] = (),
        error: CkptselError | None = None,
        lists_tensors: bool = True,
    ) -> None:
        self.values, self.found, self.dangerous = values, damage, dangers
        self.error, self.lists_tensors, self.read_paths = error, lists_tensors, list[str]()

    @property
    def tensors(self) -> list[Tensor]:
        """A key that begins with `optimizer` is its state."""
        if not self.lists_tensors and self.error:
            raise self.error
        return [
            Tensor(
                path,
                value.shape,
                value.dtype.name,
                value.nbytes,
                "optimizer" if path.startswith("optimizer") else "weight",
            )
            for path, value in self.values.items()
        ]

    def pieces(self, tensor: Tensor) -> Iterator[Any]:
        """The values, or the error."""
        self.read_paths.append(tensor.path)
        if self.error:
            raise self.error
        yield self.values[tensor.path].ravel()

    def damage(self, level: str, on_bytes: Any = None) -> Iterator[Finding]:
        """What was given."""
        del level, on_bytes
        yield from self.found

    def dangers(self) -> Iterator[Finding]:
        """What was given."""
        yield from self.dangerous

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fake], Fake]:
    """Let every path open as these contents."""

    def use(contents: Fake) -> Fake:
        monkeypatch.setattr(module, "open_contents", lambda _: contents)
        return contents

    return use


def codes(**options: Any) -> list[str]:
    """The codes of what is found."""
    return [finding.code for finding in verify("x", **options).findings]


ONE = np.ones(3, "float32")
NAN = np.array([1, np.nan, 3], "float32")


@pytest.mark.parametrize(
    "name, found",
    [
        ("sound.keras", []),
        ("sound.weights.h5", []),
        ("nan.keras", ["non-finite-weights"]),
        ("lambda.keras", ["lambda-layer"]),
        ("truncated.keras", ["damaged"]),
        ("flipped.keras", ["zip-crc"]),
        ("truncated.weights.h5", ["damaged"]),
        ("full-disk.weights.h5", ["damaged"]),
        ("empty.weights.h5", ["no-weights"]),
        ("sharded/w.weights.json", ["missing-shard"]),
        ("none.keras", ["location-not-found"]),
    ],
)
def test_real_damage_of_keras_files(damaged_folder: Path, name: str, found: list[str]) -> None:
    """Each is told once, and what is sound is called so."""
    verdict = verify(str(damaged_folder / name))
    assert [finding.code for finding in verdict.findings] == found
    assert verdict.is_sound == (found in ([], ["lambda-layer"]))
    assert verdict.is_safe == (found != ["lambda-layer"])


@pytest.mark.parametrize("name", ["nan.keras", "flipped.keras"])
def test_quick_does_not_look_at_values(damaged_folder: Path, name: str) -> None:
    """At the level quick only the structure is looked at."""
    assert verify(str(damaged_folder / name), level="quick").findings == ()


def test_nan_that_is_allowed(damaged_folder: Path) -> None:
    """It is told still, and is no damage."""
    verdict = verify(str(damaged_folder / "nan.keras"), allow_nonfinite=True)
    assert [finding.code for finding in verdict.findings] == ["non-finite-allowed"]
    assert verdict.is_sound


@pytest.mark.parametrize("name", foreign_files())
def test_what_is_no_checkpoint_is_damage(tmp_path: Path, name: str) -> None:
    """Anything can be verified; what is no checkpoint is not sound, and nothing is raised."""
    path = tmp_path / name
    path.write_bytes(foreign_files()[name])
    verdict = verify(str(path))
    # A pickle of an empty dict is a whole one: only that it is empty can be told.
    assert not verdict.is_sound or name == "pickle"
    assert verdict.findings


@pytest.mark.parametrize(
    "values, found",
    [
        ({"a": ONE}, []),
        ({"a": NAN}, ["non-finite-weights"]),
        ({"a": np.array([-np.inf, np.inf])}, ["non-finite-weights"]),
        ({"a": np.array([1j, complex(0, np.nan)])}, ["non-finite-weights"]),
        ({"a": ONE, "optimizer/m": NAN}, ["non-finite-state"]),
        ({"a": NAN, "optimizer/m": NAN}, ["non-finite-weights", "non-finite-state"]),
        ({"a": np.full(9, 60000, "float16")}, []),
        ({"a": np.full(9, 3e38, "float32")}, []),
        ({"a": np.array([7])}, []),
        ({"a": np.zeros(0, "float32")}, []),
        ({"optimizer/m": ONE}, ["only-state"]),
        ({}, ["no-weights"]),
    ],
)
def test_finite_and_not_empty(
    opened: Callable[[Fake], Fake], values: dict[str, Any], found: list[str]
) -> None:
    """NaN and infinities are found where they are, and sums that overflow are none."""
    opened(Fake(values))
    assert codes() == found


def test_many_tensors_with_nan_are_one_finding(opened: Callable[[Fake], Fake]) -> None:
    """Three are named, the rest are counted."""
    opened(Fake({f"w{number}": NAN for number in range(9)}))
    (finding,) = verify("x").findings
    assert finding.message == "NaN or infinity in w0, w1, w2 and 6 more"


def test_what_was_told_as_damage_is_not_told_again(opened: Callable[[Fake], Fake]) -> None:
    """A value that cannot be read for a fault that is known adds nothing."""
    crc = Finding("zip-crc", "m", "x")
    opened(Fake({"a": ONE}, damage=(crc, crc), error=DamagedError("cannot read a")))
    assert verify("x").findings == (crc,)


def test_what_cannot_be_read_is_damage_if_nothing_else_says_so(
    opened: Callable[[Fake], Fake],
) -> None:
    """Only the first of many is told."""
    note = Finding("pickle", "m", "x")
    opened(Fake({"a": ONE, "b": ONE}, dangers=(note,), error=DamagedError("cannot read a")))
    assert codes() == ["damaged", "pickle"]


def test_no_value_of_a_bomb_is_read(opened: Callable[[Fake], Fake]) -> None:
    """A file that unpacks to far more than it is would never end."""
    bomb = opened(Fake({"a": NAN}, dangers=(Finding("zip-bomb", "m", "x"),)))
    assert codes() == ["zip-bomb"]
    assert bomb.read_paths == []


@pytest.mark.parametrize("lists_tensors", [True, False])
def test_values_that_need_a_package(opened: Callable[[Fake], Fake], lists_tensors: bool) -> None:
    """That they were not looked at is said, and is no damage."""
    error = MissingExtraError("needs torch", hint="pip install")
    opened(Fake({"a": ONE}, error=error, lists_tensors=lists_tensors))
    (finding,) = verify("x").findings
    assert (finding.code, finding.message) == ("values-not-read", "needs torch (pip install)")
    assert verify("x").is_sound


def test_a_tensor_of_an_odd_type_hides_no_other(opened: Callable[[Fake], Fake]) -> None:
    """What follows one that nobody can read is looked at all the same."""

    class First(Fake):
        def pieces(self, tensor: Tensor) -> Iterator[Any]:
            if tensor.path == "a":
                raise MissingExtraError("a float of six bits", hint="PyTorch")
            return super().pieces(tensor)

    opened(First({"a": ONE, "b": NAN}))
    assert codes() == ["non-finite-weights", "values-not-read"]


def test_nothing_but_other_things_is_no_state(opened: Callable[[Fake], Fake]) -> None:
    """A function alone holds no weights, and no optimizer either."""

    class Other(Fake):
        @property
        def tensors(self) -> list[Tensor]:
            return [Tensor("a", (), "float32", 4, "other")]

    opened(Other({"a": ONE}))
    (finding,) = verify("x").findings
    assert (finding.code, finding.message) == ("only-state", "it holds no weights")


@pytest.mark.parametrize("kind", ["sparse", "old", "without torch"])
def test_nan_that_is_not_looked_at(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where tensors are not listed, or not all of them, it is said that they were not read."""
    torch = pytest.importorskip("torch")
    path = str(tmp_path / "m.pt")
    values = torch.full((3,), float("nan"))
    saved = {"a": values.to_sparse() if kind == "sparse" else values, "b": torch.ones(2)}
    torch.save(saved, path, _use_new_zipfile_serialization=kind != "old")
    if kind == "without torch":
        monkeypatch.setattr("ckptsel.formats.torch.archive.find_spec", lambda _: None)
    assert [finding.code for finding in verify(path).findings] == ["pickle", "values-not-read"]
    assert [finding.code for finding in verify(path, level="quick").findings] == ["pickle"]


def test_a_file_that_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk is a finding, too."""

    def gone(path: str) -> Fake:
        raise FileNotFoundError(2, "No such file", path)

    monkeypatch.setattr(module, "open_contents", gone)
    assert codes() == ["unreadable"]


def test_many_are_verified_in_their_order(damaged_folder: Path) -> None:
    """With an executor or without, with the same options."""
    paths = [
        str(damaged_folder / name) for name in ("nan.keras", "sound.keras", "empty.weights.h5")
    ]
    alone = [*verify_all(paths, allow_nonfinite=True, level="quick")]
    with ThreadPoolExecutor(3) as executor:
        together = [*verify_all(paths, allow_nonfinite=True, level="quick", executor=executor)]
    assert together == alone
    assert [(verdict.path, verdict.is_sound, verdict.level) for verdict in alone] == [
        (paths[0], True, "quick"),
        (paths[1], True, "quick"),
        (paths[2], False, "quick"),
    ]


def test_bytes_are_told(damaged_folder: Path) -> None:
    """What was read is about what there is."""
    told: list[int] = []
    path = damaged_folder / "sound.weights.h5"
    assert [*verify_all([str(path)], on_bytes=told.append)]
    assert sum(told) == path.stat().st_size


def test_a_process_that_dies_is_an_error() -> None:
    """It is named what was verified, and what to do; no verdict is made up."""

    class Dying(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenExecutor())
            return future

    with Dying() as executor, pytest.raises(CkptselError, match=r"'a\.keras'.* died"):
        [*verify_all(["a.keras"], executor=executor)]
