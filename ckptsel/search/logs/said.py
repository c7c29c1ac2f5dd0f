"""What is known of a run's checkpoints while its logs are read, to hold the next one against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptsel.naming.vocabulary import role_of
from ckptsel.sources.joining.agreement import Printed, columns
from ckptsel.sources.log import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.sources.joining.agreement import Names
    from ckptsel.sources.log import LogRow


class Said:
    """What the names say, and what logs have added.

    Attributes:
        names: the names alone.
        all: the same with what the logs say: epochs and steps where a log names files, and each
            metric once more, exact; of several logs that tell it, the first one's.
        logs: how many logs have been added.
    """

    def __init__(self, names: Names) -> None:
        self.names = self.all = names
        self.logs = 0
        self._exact: dict[str, Printed] = {}

    @property
    def telling(self) -> set[int]:
        """The names that tell a time or a value, so that a log can tell more of them."""
        names = self.names
        counted = zip(names.epochs, names.steps, strict=True)
        told = {index for index, at in enumerate(counted) if at != (None, None)}
        for printed in names.printed:
            told |= {index for index, value in enumerate(printed.values) if value is not None}
        return told

    def add(self, rows: Sequence[LogRow | None]) -> None:
        """Add what a log says: for each name its row, or None."""
        self.logs += 1
        if not any(rows):
            return
        seen: tuple[str, ...] = ()
        known: list[tuple[str, int]] = []
        for index, row in enumerate(rows):
            if row is None:
                continue
            if row.names is not seen:
                seen = row.names
                labels = columns(seen).items()
                known = [(label, seen.index(c)) for label, c in labels if role_of(c) == "metric"]
            for label, column in known:
                self._tell(label, index, row.texts[column])
        of_files = [row if row is not None and row.file else None for row in rows]
        self.all = self.all._replace(
            epochs=[
                e if e is not None or not row else row.epoch
                for e, row in zip(self.all.epochs, of_files, strict=True)
            ],
            steps=[
                s if s is not None or not row else row.step
                for s, row in zip(self.all.steps, of_files, strict=True)
            ],
            printed=[*self.names.printed, *self._exact.values()],
        )

    def _tell(self, label: str, index: int, text: str) -> None:
        exact = self._exact.get(label)
        if exact is None:
            total = len(self.names.names)
            exact = Printed(label, [None] * total, [0.0] * total, [""] * total)
            self._exact[label] = exact
        if exact.values[index] is None:
            exact.values[index] = number(text)  # type: ignore[index]
            exact.texts[index] = text  # type: ignore[index]
