"""What every format keeps: one suite, inherited by each format's test class.

A test class names its module and gives a `sample`: a file written by the real framework, and
what that framework reads in it.

    class TestKerasWeights(FormatConformance):
        module = "keras.weights"

        @pytest.fixture
        def sample(self, ...) -> Sample: ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ckptsel.errors import CkptselError
from ckptsel.formats import format_of, open_contents
from ckptsel.formats.contents import PIECE_BYTES, Contents, Level, numpy_dtype
from tests.formats.damage import DamageConformance, content_of, exercise
from tests.formats.samples import Sample, foreign_files

if TYPE_CHECKING:
    from pathlib import Path


class FormatConformance(DamageConformance):
    """What holds for every format. Subclasses set `module` and give the fixture `sample`."""

    @pytest.fixture
    def contents(self, sample: Sample) -> Any:
        """The sample, open."""
        with self.format.open(sample.path) as contents:
            yield contents

    def test_recognised_by_content(self, sample: Sample, tmp_path: Path) -> None:
        """A checkpoint is recognised under any name."""
        for path in (sample.path, sample.copy_to(tmp_path, "renamed.bin")):
            found = format_of(path)
            assert found is not None
            assert (found.name, found) == (sample.kind, self.format)

    def test_opens_under_a_wrong_suffix(self, sample: Sample, tmp_path: Path) -> None:
        """What is inside does not depend on the name."""
        with open_contents(sample.copy_to(tmp_path, "renamed.bin")) as contents:
            assert {tensor.path for tensor in contents.tensors} == set(sample.tensors)

    @pytest.mark.parametrize("kind", foreign_files())
    def test_nothing_else_is_recognised(self, kind: str, tmp_path: Path) -> None:
        """Files that are no checkpoint are not recognised, and opening them is a clear error."""
        path = tmp_path / "some.h5"
        path.write_bytes(foreign_files()[kind])
        recognised = self.format.recognise(str(path), path.read_bytes()[:4096])
        assert not recognised or kind in self.own_foreign
        if not recognised:
            with pytest.raises(CkptselError):
                self.format.open(str(path)).close()

    def test_an_empty_folder_is_not_recognised(self, tmp_path: Path) -> None:
        """A folder without a checkpoint in it is none."""
        assert not self.format.recognise(str(tmp_path), b"")

    def test_lists_what_the_framework_lists(self, contents: Contents, sample: Sample) -> None:
        """Paths and shapes are the framework's; kind is the format's name."""
        assert contents.kind == sample.kind == self.format.name
        listed = {tensor.path: tensor.shape for tensor in contents.tensors}
        assert listed == {path: values.shape for path, values in sample.tensors.items()}
        assert len(listed) == len(contents.tensors)

    def test_listing_reads_no_values(
        self, contents: Contents, sample: Sample, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Looking at the tensors does not read them."""
        monkeypatch.setattr(type(contents), "pieces", None)
        assert len(contents.tensors) == len(sample.tensors)

    def test_reads_the_frameworks_values(self, contents: Contents, sample: Sample) -> None:
        """Every value is the framework's, to the bit."""
        for tensor in contents.tensors:
            values, expected = contents.read(tensor), sample.tensors[tensor.path]
            assert values.dtype == expected.dtype == numpy_dtype(tensor.dtype)
            assert values.shape == expected.shape
            if expected.dtype == object:
                assert values.tolist() == expected.tolist()
            else:
                assert values.tobytes() == expected.tobytes(), tensor.path

    def test_pieces_make_up_the_tensor(self, contents: Contents) -> None:
        """Pieces are flat, small, in order, and nothing is missing."""
        for tensor in contents.tensors:
            pieces = list(contents.pieces(tensor))
            assert all(piece.ndim == 1 and piece.nbytes <= PIECE_BYTES for piece in pieces)
            joined = np.concatenate(pieces) if pieces else np.empty(0)
            assert joined.tolist() == contents.read(tensor).reshape(-1).tolist()

    def test_sizes_add_up(self, contents: Contents) -> None:
        """The size of a tensor is its elements' times its dtype's."""
        for tensor in contents.tensors:
            elements = int(np.prod(tensor.shape, dtype=np.int64))
            if tensor.dtype == "string":
                assert tensor.size_bytes == 0
            else:
                itemsize = 2 if tensor.dtype == "bfloat16" else numpy_dtype(tensor.dtype).itemsize
                assert tensor.size_bytes == elements * itemsize

    def test_facts(self, contents: Contents, sample: Sample) -> None:
        """Step and learning rate are the framework's."""
        assert contents.facts.step == sample.step
        if sample.learning_rate is None:
            assert contents.facts.learning_rate is None
        else:
            assert contents.facts.learning_rate == pytest.approx(sample.learning_rate, rel=1e-6)

    def test_has_weights(self, contents: Contents) -> None:
        """Some tensors are weights, and where there is a step there is an optimizer."""
        roles = {tensor.role for tensor in contents.tensors}
        assert "weight" in roles
        assert contents.facts.step is None or "optimizer" in roles

    @pytest.mark.parametrize("level", ["quick", "full"])
    def test_a_sound_file_has_no_damage(self, contents: Contents, level: Level) -> None:
        """Nothing is found in what the framework wrote: no damage and no danger."""
        assert list(contents.damage(level)) == []
        assert list(contents.dangers()) == []

    def test_progress_does_not_exceed_the_files(self, contents: Contents, sample: Sample) -> None:
        """A full check says how many bytes it has read: some, and each only once."""
        steps: list[int] = []
        assert list(contents.damage("full", steps.append)) == []
        assert 0 < sum(steps) <= sum(os.path.getsize(file) for file in sample.files)

    def test_reading_changes_nothing(self, sample: Sample) -> None:
        """Files are the same, byte for byte, after all that can be done with them."""
        before = {file: content_of(file) for file in sample.files}
        exercise(sample.path, self.format)
        assert {file: content_of(file) for file in sample.files} == before

    def test_closing_twice_is_fine(self, sample: Sample) -> None:
        """Close can be called again."""
        contents = self.format.open(sample.path)
        contents.close()
        contents.close()

    def test_loads_no_framework(self, sample: Sample) -> None:
        """Reading needs none of the frameworks; seen from a process of its own."""
        code = (
            "import sys; from ckptsel.formats import open_contents\n"
            "with open_contents(sys.argv[1]) as c:\n"
            "    [c.read(t) for t in c.tensors]; c.facts; c.config\n"
            "    list(c.damage('full')); list(c.dangers())\n"
            "print(*{name.partition('.')[0] for name in sys.modules})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, sample.path], capture_output=True, text=True, check=True
        )
        assert not set(done.stdout.split()) & set(self.never_imported)
