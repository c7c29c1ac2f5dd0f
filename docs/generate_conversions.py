"""Write the table in docs/conversions.md from the table that `ckptsel export` goes by.

python docs/generate_conversions.py           write it
python docs/generate_conversions.py --check   exit with 1 if it is not up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from ckptsel.conversion.table import SOURCES, TABLE
from ckptsel.conversion.targets import TARGETS

PAGE = Path(__file__).with_name("conversions.md")
_BEGIN, _END = "<!-- begin: generate_conversions.py -->\n", "<!-- end -->\n"


def table() -> str:
    """The table, and below it what its numbers say."""
    notes: dict[str, int] = {}
    lines = ["| from | " + " | ".join(f"`{name}`" for name in TARGETS) + " |"]
    lines.append("|---|" + "---|" * len(TARGETS))
    for source, what in SOURCES.items():
        cells = [_cell(source, target, notes) for target in TARGETS]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {note[0].upper()}{note[1:]}." for note, number in notes.items())]
    return "\n".join(lines) + "\n"


def _cell(source: str, target: str, notes: dict[str, int]) -> str:
    row = TABLE[source, target]
    said = {
        "exact": "exact",
        "extra": "`[" + ",".join(row.extras) + "]`",
        "impossible": "no",
    }[row.outcome]
    if row.needs_model:
        said += ", `--model`"
    if row.why:
        said += f" ({notes.setdefault(row.why, len(notes) + 1)})"
    return said


def main(argv: list[str]) -> int:
    """Write or check the table.

    Args:
        argv: the arguments.

    Returns:
        The exit code.
    """
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    new = f"{before}{_BEGIN}{table()}{_END}{after}"
    if new == page:
        return 0
    if "--check" in argv:
        print(f"{PAGE.name} is not up to date: python docs/{Path(__file__).name}", file=sys.stderr)
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
