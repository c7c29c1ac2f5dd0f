"""What is inside a checkpoint, whatever its format: tensors, facts, damage, dangers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from ckptsel.checkpoint import Finding

TensorRole: TypeAlias = Literal["weight", "optimizer", "other"]
Level: TypeAlias = Literal["quick", "full"]

PIECE_BYTES = 8 * 2**20
"""No piece of a tensor is larger, so that memory does not grow with the file."""

# Zeros deflate about 1000 times, so a high ratio alone proves nothing.
_MUCH_BYTES = 128 * 2**20
_MUCH_RATIO = 100


def is_too_much(claimed_bytes: int, stored_bytes: int) -> bool:
    """Whether a checkpoint claims so much more than it stores that training cannot have written it.

    One rule for all formats, over all tensors of a checkpoint: compressed, never written, or
    sharing their bytes. What claims more is not unpacked.
    """
    return claimed_bytes > max(_MUCH_BYTES, _MUCH_RATIO * stored_bytes)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One array in a checkpoint, without its values.

    Attributes:
        path: its key in the file; parts are separated by `/`.
        shape: its shape; `()` for a scalar.
        dtype: numpy's name (`float32`), or `bfloat16`, `string`, … where numpy has none.
        size_bytes: the size of its values, uncompressed; 0 where it is not fixed (strings).
        role: a weight of the model, state of the optimizer, or something else.
        layer: the layer's name as the user gave it, "" where the file does not tell.
        owners: the names of the layers and the scopes that it stands in, the outermost first,
            as far as the file tells them: `("encoder", "attention", "query")`.
        variable: its own name, as `kernel`, "" where the file does not tell.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    size_bytes: int
    role: TensorRole = "weight"
    layer: str = ""
    owners: tuple[str, ...] = ()
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says of its training.

    Attributes:
        step: the optimizer's iterations.
        skips_steps: whether these leave out the steps whose gradients were not finite, as those
            within a LossScaleOptimizer do.
        epoch: counted as the file counts it.
        learning_rate: the optimizer's, at the time of saving.
        saved: when, as text in the file's own form.
        model_name: the model's name.
        framework: what wrote it, with its version where the file tells: `keras 3.15.1`.
        metrics: metric → exact value, where the writer left totals in the file.
        samples: metric → of how many samples it is the mean, where the file tells.
        more: further facts for people, name → text.
    """

    step: int | None = None
    skips_steps: bool = False
    epoch: int | None = None
    learning_rate: float | None = None
    saved: str = ""
    model_name: str = ""
    framework: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    samples: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


class Contents(ABC):
    """An open checkpoint. A context manager; reading it executes nothing of the file's.

    Attributes:
        kind: the format's name, as in `Format.name`.
        version: the format's version where it has one, "" otherwise.
        lists_tensors: whether `tensors` can be known; false where only a package that is not
            installed could list them.
        has_checksums: whether `damage` at `full` finds a value that was changed.
    """

    kind: str
    version: str = ""
    lists_tensors: bool = True
    has_checksums: bool = False

    @property
    @abstractmethod
    def tensors(self) -> Sequence[Tensor]:
        """Every tensor, in the order of the file; made lazily, values are not read.

        Raises:
            DamagedError: if the file's structure cannot be read.
        """

    @property
    def facts(self) -> Facts:
        """What the file says of its training.

        Raises:
            DamagedError: if the file's structure cannot be read.
        """
        return Facts()

    @property
    def step(self) -> int | None:
        """The steps of training: `facts.step`, which some formats know sooner than all facts.

        None where the optimizer leaves steps out, since nothing tells how many.

        Raises:
            DamagedError: if the file's structure cannot be read.
        """
        facts = self.facts
        return None if facts.skips_steps else facts.step

    @property
    def epoch(self) -> int | None:
        """The epoch, as the file counts it: `facts.epoch`, in the same way."""
        return self.facts.epoch

    @property
    def unlisted(self) -> str:
        """Which tensors `tensors` leaves out, or why it has none; "" if it has all."""
        return ""

    @property
    def load_problem(self) -> str:
        """Why the framework that wrote it refuses to load it, "" where that is not known."""
        return ""

    @property
    def config(self) -> Mapping[str, Any] | None:
        """The Keras model config (`class_name`, `config`, …), None if there is none."""
        return None

    @property
    def optimizer_config(self) -> Mapping[str, Any] | None:
        """The optimizer's entry of the Keras compile config, None if there is none."""
        return None

    @abstractmethod
    def pieces(self, tensor: Tensor) -> Iterator[NDArray[Any]]:
        """A tensor's values, flat and in order, in pieces of at most `PIECE_BYTES`.

        bfloat16 and float8_… come as float32, which holds them exactly; strings as an object
        array of bytes.

        Raises:
            DamagedError: if the values cannot be read.
            MissingExtraError: if reading values needs a package that is not installed.
        """

    def read(self, tensor: Tensor) -> NDArray[Any]:
        """A whole tensor, in its shape. Raises as `pieces` does."""
        import numpy as np  # noqa: PLC0415

        found = list(self.pieces(tensor))
        flat = np.concatenate(found) if found else np.empty(0, numpy_dtype(tensor.dtype))
        return flat.reshape(tensor.shape)

    @abstractmethod
    def damage(
        self, level: Level, on_bytes: Callable[[int], None] | None = None
    ) -> Iterator[Finding]:
        """What is broken: truncation, checksums, missing shards, unreadable values.

        `quick` looks at the structure only; `full` reads every byte once.
        """

    def dangers(self) -> Iterator[Finding]:
        """What makes the file unsafe to load, or makes it reach outside itself."""
        return iter(())

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The numpy type in which `pieces` gives tensors of a dtype."""
    import numpy as np  # noqa: PLC0415

    special = {"bfloat16": "float32", "string": "object"}
    return np.dtype("float32" if name.startswith("float8") else special.get(name, name))


@dataclass(frozen=True, slots=True)
class Format:
    """A format of checkpoints.

    Attributes:
        name: for people and for JSON: `keras`, `weights.h5`, `tf-checkpoint`, ….
        recognise: path, first bytes (b"" for a folder or a prefix) → whether it is this format.
            Must not raise on any content, and must be quick.
        open: path → its contents. Raises DamagedError if it cannot be opened.
    """

    name: str
    recognise: Callable[[str, bytes], bool]
    open: Callable[[str], Contents]
