"""Which value is the monitor: by its label, by its place, or a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckptsel.errors import AmbiguousMonitorError, MonitorNotFoundError
from ckptsel.naming.pattern import Pattern
from ckptsel.naming.read import Reader, Table
from ckptsel.ranking.monitor import Beside, MonitorFields, find_monitor

LOSS = ["a-val_loss=0.50.h5", "a-val_loss=0.30.h5"]
BOTH = ["b-acc=0.50-loss=0.1.h5", "b-acc=0.60-loss=0.2.h5"]
BARE = ["w.01-0.50.h5", "w.02-0.30.h5"]
BARE_TOO = ["v.01-0.500.pt", "v.02-0.300.pt"]
TWO_BARE = ["w.01-0.50-0.9.h5", "w.02-0.30-0.8.h5"]
COUNTED = ["model_epoch_1.h5", "model_epoch_2.h5"]


def read(*folders: list[str], patterns: tuple[str, ...] = ()) -> list[Table]:
    """What is read from the names of some folders."""
    reader = Reader(tuple(map(Pattern, patterns)))
    return [table for names in folders for table in reader.read("", names)[0]]


def values(source: MonitorFields, tables: list[Table]) -> list[float]:
    """The monitor's values."""
    fields = [(table, source.field_of(table)) for table in tables]
    return [value for table, field in fields if field for value in table.numbers(field)]


def codes(source: MonitorFields) -> list[str]:
    """What was assumed."""
    return [finding.code for finding in source.findings]


@pytest.mark.parametrize(
    "folders, asked, expected",
    [
        ([LOSS], "val_loss", [0.5, 0.3]),
        ([LOSS, BOTH], "val_loss", [0.5, 0.3]),
        ([BOTH, LOSS], "acc", [0.5, 0.6]),
        # A label wins over a value without one.
        ([BARE, LOSS], "val_loss", [0.5, 0.3]),
        ([COUNTED], "epoch", [1, 2]),
    ],
)
def test_an_exact_label(folders: list[list[str]], asked: str, expected: list[float]) -> None:
    """A label that is called just so is taken, and nothing has to be said."""
    tables = read(*folders)
    source = find_monitor(tables, asked)
    assert (source.name, codes(source)) == (asked, [])
    assert values(source, tables) == expected


@pytest.mark.parametrize(
    "names, asked",
    [
        (["m-acc=0.5.h5", "m-acc=0.6.h5"], "accuracy"),
        (["m-accuracy=0.5.h5", "m-accuracy=0.6.h5"], "acc"),
        (["m-val_acc=0.5.h5", "m-val_acc=0.6.h5"], "val_accuracy"),
        (["m-val-loss=0.5.h5", "m-val-loss=0.6.h5"], "val_loss"),
        (["m-val_loss=0.5.h5", "m-val_loss=0.6.h5"], "val/loss"),
        (["m-val_loss=0.5.h5", "m-val_loss=0.6.h5"], "Val-Loss"),
        (["m-valid_loss=0.5.h5", "m-valid_loss=0.6.h5"], "val_loss"),
    ],
)
def test_another_spelling(names: list[str], asked: str) -> None:
    """Another spelling of the same metric is taken, and said."""
    tables = read(names)
    source = find_monitor(tables, asked)
    assert (source.name, codes(source)) == (asked, ["monitor-alias"])
    assert source.findings[0].message.startswith(f"{asked} is read from ")
    assert not source.findings[0].strict
    assert values(source, tables) == [0.5, 0.6]


@pytest.mark.parametrize(
    "names, asked",
    [
        (["m-loss=0.5.h5", "m-loss=0.6.h5"], "val_loss"),
        (["m-train_loss=0.5.h5", "m-train_loss=0.6.h5"], "loss"),
        (["m-val_top5_acc=0.5.h5", "m-val_top5_acc=0.6.h5"], "val_acc"),
    ],
)
def test_a_metric_is_no_other(names: list[str], asked: str) -> None:
    """A metric whose name is only contained in another, or contains it, is not that one."""
    with pytest.raises(MonitorNotFoundError):
        find_monitor(read(names), asked)


def test_another_spelling_beside_the_exact_one() -> None:
    """Of `acc` and `accuracy`, each where it stands; within one pattern, what was asked for."""
    tables = read(
        ["a-acc=0.5.h5", "a-acc=0.6.h5"],
        ["b-accuracy=0.7.h5", "b-accuracy=0.8.h5"],
    )
    source = find_monitor(tables, "acc")
    assert codes(source) == ["monitor-alias"]
    assert values(source, tables) == [0.5, 0.6, 0.7, 0.8]
    tables = read(["a-acc=0.5-accuracy=0.7.h5", "a-acc=0.6-accuracy=0.8.h5"])
    source = find_monitor(tables, "acc")
    assert codes(source) == []
    assert values(source, tables) == [0.5, 0.6]


def test_two_other_spellings() -> None:
    """Where two others could be meant, neither is taken."""
    tables = read(["m-val-acc=0.5-val_acc=0.4.h5", "m-val-acc=0.6-val_acc=0.3.h5"])
    with pytest.raises(AmbiguousMonitorError, match="'val-acc', 'val_acc'"):
        find_monitor(tables, "val_accuracy")


@pytest.mark.parametrize(
    "folders, expected",
    [
        ([BARE], [0.5, 0.3]),
        # One for each pattern that has any; a pattern without one does not compete.
        ([BARE, BARE_TOO, COUNTED], [0.5, 0.3, 0.5, 0.3]),
        # Printed without decimals, it is the same value all the same, in whatever row.
        ([["w_01_1.h5", "w_02_0.5.h5"]], [1, 0.5]),
        ([["w_01_0.5.h5", "w_02_1.h5"]], [0.5, 1]),
    ],
)
def test_the_only_value_without_a_label(folders: list[list[str]], expected: list[float]) -> None:
    """Labelled nowhere, it is the one decimal without a label; --strict makes it an error."""
    tables = read(*folders)
    source = find_monitor(tables, "val_loss")
    assert (source.name, codes(source)) == ("val_loss", ["assumed-monitor"])
    assert source.findings[0].strict
    assert values(source, tables) == expected


@pytest.mark.parametrize("folders", [[TWO_BARE], [BARE, TWO_BARE], [TWO_BARE, BARE]])
def test_several_values_without_a_label(folders: list[list[str]]) -> None:
    """Where one pattern has two such values, none is taken."""
    with pytest.raises(AmbiguousMonitorError, match="has 2 values without a label"):
        find_monitor(read(*folders), "val_loss")


@pytest.mark.parametrize(
    "folders, asked, message, hint",
    [
        ([BOTH], "los", "no name holds 'los'; the names hold 'acc', 'loss'", "did you mean"),
        ([BOTH], "val_loss", "the names hold 'acc', 'loss'", "choose one by --monitor"),
        ([BOTH], "wer", "no name holds 'wer'; the names hold 'acc', 'loss'", "choose one by"),
        ([COUNTED], "val_loss", "the names hold 'epoch'", "--pattern"),
        ([], "val_loss", "no name holds a value for 'val_loss'", "--pattern"),
    ],
)
def test_not_found(folders: list[list[str]], asked: str, message: str, hint: str) -> None:
    """What is there is listed, and the closest one is suggested."""
    with pytest.raises(MonitorNotFoundError) as caught:
        find_monitor(read(*folders), asked)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_many_names_are_not_all_listed() -> None:
    """A name with a dozen metrics does not make a message of a dozen lines."""
    names = ["-".join(f"metric_{c}=0.{n}" for c in "abcdefghijkl") + ".h5" for n in (1, 2)]
    with pytest.raises(MonitorNotFoundError, match="'metric_h' and 4 more"):
        find_monitor(read(names), "wer")


@pytest.mark.parametrize(
    "folders, patterns, name",
    [
        ([LOSS], (), "val_loss"),
        ([LOSS, COUNTED], (), "val_loss"),
        ([["e=1-lr=0.1-loss=0.5.h5", "e=2-lr=0.2-loss=0.4.h5"]], (), "loss"),
        ([BARE], ("w.{epoch:02d}-{val_loss:.2f}.h5",), "val_loss"),
        # Dates and models' names are no numbers, and so no metrics.
        ([["m_20240101_loss=0.5.h5", "m_20240102_loss=0.4.h5"]], (), "loss"),
        ([["vgg-0.5.h5", "net-0.4.h5"]], ("{which}-{loss:.1f}.h5",), "loss"),
    ],
)
def test_the_only_metric(folders: list[list[str]], patterns: tuple[str, ...], name: str) -> None:
    """Without a monitor, the only metric in reach is taken, and said."""
    source = find_monitor(read(*folders, patterns=patterns), None)
    assert (source.name, codes(source)) == (name, ["only-metric"])


@pytest.mark.parametrize(
    "folders, error, message",
    [
        ([BOTH], AmbiguousMonitorError, "several metrics: 'acc', 'loss'"),
        ([LOSS, BOTH], AmbiguousMonitorError, "several metrics: 'acc', 'loss', 'val_loss'"),
        ([LOSS, BARE], AmbiguousMonitorError, "'val_loss' and values without a label"),
        ([BARE], AmbiguousMonitorError, "values without a label: 'w."),
        ([COUNTED], MonitorNotFoundError, "no name holds a metric"),
        ([], MonitorNotFoundError, "no name holds a metric"),
    ],
)
def test_no_only_metric(folders: list[list[str]], error: type[Exception], message: str) -> None:
    """Without a monitor and with none or several in reach, there is no guess."""
    with pytest.raises(error, match=message.replace(".", r"\.")):
        find_monitor(read(*folders), None)


@given(st.permutations(["w_01_1.h5", "w_02_0.5.h5", "w_03_0.75.h5", "w_04_2.h5"]))
def test_the_order_of_the_names_does_not_matter(names: list[str]) -> None:
    """Whichever name comes first, the same field is taken."""
    tables = read(names)
    source = find_monitor(tables, "val_loss")
    assert sorted(values(source, tables)) == [0.5, 0.75, 1, 2]


@pytest.mark.parametrize(
    ("asked", "metric", "hint"),
    [
        ("mAP50-95", "metrics/mAP50-95(B)", "did you mean --monitor 'metrics/mAP50-95(B)'?"),
        ("bbox_mAP", "coco/bbox_mAP", "did you mean --monitor coco/bbox_mAP?"),
        ("loss", "val/loss", "choose one by --monitor"),
    ],
)
def test_a_name_without_its_group(asked: str, metric: str, hint: str) -> None:
    """What stands before the slash, or behind in brackets, is easily left out; a split is not."""
    tables = read(COUNTED)
    with pytest.raises(MonitorNotFoundError) as raised:
        find_monitor(tables, asked, (), Beside({tables[0].pattern.text: {metric}}))
    assert raised.value.hint == hint
    assert f"the logs hold {metric!r}" in raised.value.message
