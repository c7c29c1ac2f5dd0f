"""The options that several commands share, each written once."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ckptsel.cli.environment import beaten_by, mode_of_monitor, several

OutputName = Literal["table", "json", "jsonl", "csv", "tsv", "paths", "paths0"]


Locations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LOCATION...",
        help="Folders to look in, or checkpoint files.  [default: .]",
        show_default=False,
    ),
]
Monitors = Annotated[
    list[str],
    several(
        "--monitor",
        "-m",
        metavar="NAME",
        text="The metric to rank by, such as val_loss, or val_accuracy:max. Not needed where the"
        " names hold only one. Of those equal in the first, the second decides.",
    ),
]
Pareto = Annotated[
    bool,
    typer.Option(
        "--pareto",
        envvar="CKPTSEL_PARETO",
        help="With several monitors: all than which no other is better in every one.",
    ),
]
Smooth = Annotated[
    int | None,
    typer.Option(
        "--smooth",
        metavar="N",
        min=3,
        envvar="CKPTSEL_SMOOTH",
        show_default=False,
        help="Rank by the median of N values around each epoch, an odd number.",
    ),
]
Mode = Annotated[
    Literal["min", "max", "auto"],
    typer.Option(
        "--mode",
        envvar="CKPTSEL_MODE",
        callback=mode_of_monitor,
        help="Whether low or high is good; auto knows the usual metrics.",
    ),
]
Patterns = Annotated[
    list[str],
    several(
        "--pattern",
        "-p",
        metavar="PATTERN",
        text="What the training code was given to name its files, such as"
        " 'weights.{epoch:02d}-{val_loss:.2f}.keras'. Without it, it is learned from the names.",
    ),
]
MaxDepth = Annotated[
    int | None,
    typer.Option(
        "--max-depth",
        metavar="N",
        min=1,
        envvar="CKPTSEL_MAX_DEPTH",
        help="How many folders deep to look; 1 is the locations' own files.",
    ),
]
Include = Annotated[
    list[str],
    several("--include", metavar="GLOB", text="Only what matches."),
]
Exclude = Annotated[
    list[str],
    several("--exclude", metavar="GLOB", text="Nothing that matches."),
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE",
        envvar="CKPTSEL_FILES_FROM",
        callback=beaten_by("locations", "files0_from"),
        help="Take the checkpoints listed in FILE, one a line, instead of looking; - is stdin.",
    ),
]
Files0From = Annotated[
    str | None,
    typer.Option(
        "--files0-from",
        metavar="FILE",
        envvar="CKPTSEL_FILES0_FROM",
        callback=beaten_by("locations", "files_from"),
        help="The same for names that end with a NUL byte, as from find -print0.",
    ),
]
PerRun = Annotated[
    bool,
    typer.Option("--per-run", envvar="CKPTSEL_PER_RUN", help="The best of each training run."),
]
Tie = Annotated[
    Literal["later", "earlier", "error"] | None,
    typer.Option(
        "--tie",
        envvar="CKPTSEL_TIE",
        show_default=False,
        help="Which of two checkpoints with the same value comes first, by epoch or step: later, if"
        " it is not said, and then a tie is an error under --strict.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        envvar="CKPTSEL_STRICT",
        help="Make an error of what is otherwise only noted: ties, values that are no numbers, ….",
    ),
]
AllowZero = Annotated[
    bool,
    typer.Option(
        "--allow-zero",
        envvar="CKPTSEL_ALLOW_ZERO",
        help="Take a printed 0.0000 as a value. Lightning also prints it for a missing one.",
    ),
]
NoLogs = Annotated[
    bool,
    typer.Option(
        "--no-logs",
        envvar="CKPTSEL_NO_LOGS",
        callback=beaten_by("logs_only"),
        help="Take values from the names only, and read neither logs nor the files themselves.",
    ),
]
LogsOnly = Annotated[
    bool,
    typer.Option(
        "--logs-only",
        envvar="CKPTSEL_LOGS_ONLY",
        callback=beaten_by("no_logs"),
        help="Take metrics from the logs only, whatever the names say.",
    ),
]
Metrics = Annotated[
    list[str],
    several(
        "--metrics",
        metavar="FILE",
        text="A table with values of the checkpoints, with a column epoch, step or file: CSV, JSON,"
        " JSON lines or Parquet.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="epoch|step|file",
        envvar="CKPTSEL_KEY",
        show_default=False,
        help="By which column of --metrics a checkpoint is found, if the table has several.",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="N",
        min=1,
        envvar="CKPTSEL_TOP",
        show_default=False,
        help="The N best.",
    ),
]
Require = Annotated[
    list[str],
    several(
        "--require",
        metavar="CONDITION",
        text="Exit with 4 unless it is met, such as 'val_loss<=0.3'.",
    ),
]
Template = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="TEMPLATE",
        envvar="CKPTSEL_FORMAT",
        callback=beaten_by("output_format"),
        help="Print a line each, such as '{path} {val_loss:.4f}'. Fields: path, name, run, epoch,"
        " step, kind, rank, size_bytes, modified, value, monitor, and each metric.",
    ),
]
Output = Annotated[
    OutputName | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        envvar="CKPTSEL_OUTPUT",
        callback=beaten_by("template", "null"),
        show_default=False,
        help="One of table, json, jsonl, csv, tsv, paths, paths0.",
    ),
]
Null = Annotated[
    bool,
    typer.Option("-0", help="End each path with a NUL byte: -o paths0. For xargs -0."),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        envvar="CKPTSEL_VERIFY",
        help="Open the checkpoints: pass over a damaged one or one with NaN, and say so.",
    ),
]
AllowNonfinite = Annotated[
    bool,
    typer.Option(
        "--allow-nonfinite",
        envvar="CKPTSEL_ALLOW_NONFINITE",
        help="Accept NaN and infinities among the weights.",
    ),
]
Level = Annotated[
    Literal["quick", "full"],
    typer.Option(
        "--level",
        envvar="CKPTSEL_LEVEL",
        help="quick looks at the structure only; full reads all bytes and all values.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        envvar="CKPTSEL_JOBS",
        help="Verify so many checkpoints at a time, each in a process of its own.",
    ),
]
