"""How rows of a ranking are to be printed: in an output format, or by a template."""

# ruff: noqa: PLC0415 - what only some calls need is imported by those calls.
from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ckptsel.cli import output
from ckptsel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckptsel.checkpoint import Ranked, Ranking
    from ckptsel.verification.soundness import Sound

_OVERRIDES = "these can come from CKPTSEL_OUTPUT and CKPTSEL_FORMAT; what is typed beats both"


class Print(Protocol):
    """Prints rows of a ranking to stdout."""

    def __call__(
        self,
        command: str,
        ranking: Ranking,
        rows: Sequence[Ranked],
        sound: Sound | None = None,
        *,
        explain: bool = False,
    ) -> None:
        """Print the rows, and in JSON all there is to say about the ranking.

        Args:
            command: its name.
            ranking: where the rows come from.
            rows: the rows.
            sound: what --verify found, if it was asked for.
            explain: whether a document says why the rows have their places.
        """


def output_name(chosen: str | None, *, null: bool, default: str) -> str:
    """The output format, from `-o` and `-0`.

    Raises:
        UsageError: they contradict each other.
    """
    if not null:
        return chosen or default
    if chosen not in (None, "paths", "paths0"):
        raise UsageError(f"-0 and -o {chosen} contradict each other", hint=_OVERRIDES)
    return "paths0"


def printer(chosen: str | None, *, null: bool, template: str | None, default: str) -> Print:
    """What `-o`, `-0` and `--format` say together.

    Raises:
        UsageError: they contradict each other, or the template is none.
    """
    if template is None:
        return _in_format(output_name(chosen, null=null, default=default))
    if chosen is not None:
        raise UsageError(f"--format and -o {chosen} contradict each other", hint=_OVERRIDES)
    return _by_template(template, end="\0" if null else "\n")


def _in_format(name: str) -> Print:
    def write(
        command: str,
        ranking: Ranking,
        rows: Sequence[Ranked],
        sound: Sound | None = None,
        *,
        explain: bool = False,
    ) -> None:
        if name in ("paths", "paths0"):
            paths = [row.checkpoint.path for row in rows]
            output.write_lines(paths, end="\0" if name == "paths0" else "\n")
            return
        from ckptsel.cli.reports.ranking import RankingReport

        output.write(RankingReport(command, ranking, rows, sound, explain=explain), name)

    return write


def _by_template(text: str, *, end: str) -> Print:
    from ckptsel.cli.fields import Fields
    from ckptsel.cli.line_format import fill, parse_template

    template = parse_template(text)
    asked = f"--format {text!r}"

    def write(
        command: str,  # noqa: ARG001
        ranking: Ranking,
        rows: Sequence[Ranked],
        sound: Sound | None = None,  # noqa: ARG001
        *,
        explain: bool = False,  # noqa: ARG001
    ) -> None:
        fields = Fields(ranking)

        def line(row: Ranked) -> str:
            return fill(template, lambda name: fields.get(row, asked, name).value)

        output.write_lines([line(row) for row in rows], end=end)

    return write
