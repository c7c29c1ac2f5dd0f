"""A run of each kind of log, whose log can be damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from tests.folders import make
from tests.sources.event_files import events

if TYPE_CHECKING:
    from pathlib import Path


class LoggedRun(NamedTuple):
    """A run with its log.

    Attributes:
        monitor: what is watched.
        mode: which way it is good.
        log: the log's path.
        text: what stands in it.
        values: the checkpoints with their values by the log.
        others: other files that belong to it, with what stands in them.
    """

    monitor: str
    mode: str
    log: str
    text: bytes
    values: dict[str, float]
    others: dict[str, bytes]

    def write(self, root: Path, text: bytes) -> None:
        """Make the files, with that text in the log."""
        make(root, *(name for name in self.values if name not in self.others))
        for path, data in {**self.others, self.log: text}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)


def _lines(*found: object) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in found).encode()


LOSSES = (0.53125, 0.4375, 0.28125, 0.34375)
KERAS = {f"cp-{n:02d}.keras": loss for n, loss in enumerate(LOSSES, 1)}
NAMED = {f"cp-{n:02d}-val_loss={loss:.2f}.keras": loss for n, loss in enumerate(LOSSES, 1)}
STEPS = {f"epoch={n}-step={n * 10 + 10}.ckpt": loss for n, loss in enumerate(LOSSES)}
TABLE = "".join(f"{n},0.9,{loss}\n" for n, loss in enumerate(LOSSES))
EVENTS = [("epoch_loss", loss, n) for n, loss in enumerate(LOSSES)]


def _of_hf() -> LoggedRun:
    history = [{"step": 9 * n, "eval_loss": loss} for n, loss in enumerate(LOSSES, 1)]
    states = {
        f"run/checkpoint-{9 * n}/trainer_state.json": _lines(
            {"global_step": 9 * n, "log_history": history[:n]}
        )
        for n in range(1, 5)
    }
    log, text = states.popitem()
    others = {f"run/checkpoint-{9 * n}/model.safetensors": b"" for n in range(1, 5)}
    values = {f"run/checkpoint-{9 * n}": loss for n, loss in enumerate(LOSSES, 1)}
    return _folders("eval_loss", log, text, values, {**states, **others})


def _of_orbax() -> LoggedRun:
    logs = {f"run/{n}/metrics/metrics": _lines({"val_loss": v}) for n, v in enumerate(LOSSES, 1)}
    log, text = logs.popitem()
    others = {f"run/{n}/_CHECKPOINT_METADATA": b"" for n in range(1, 5)}
    values = {f"run/{n}": loss for n, loss in enumerate(LOSSES, 1)}
    return _folders("val_loss", log, text, values, {**logs, **others})


def _of_speechbrain() -> LoggedRun:
    logs = {
        f"save/CKPT+{n}/CKPT.yaml": f"# yamllint disable\nWER: {loss}\nepoch: {n}\n".encode()
        for n, loss in enumerate(LOSSES, 1)
    }
    log, text = logs.popitem()
    others = {f"save/CKPT+{n}/model.ckpt": b"" for n in range(1, 5)}
    values = {f"save/CKPT+{n}": loss for n, loss in enumerate(LOSSES, 1)}
    return _folders("WER", log, text, values, {**logs, **others})


def _folders(
    monitor: str, log: str, text: bytes, values: dict[str, float], others: dict[str, bytes]
) -> LoggedRun:
    """A run whose checkpoints are folders, which are there with what stands in them."""
    return LoggedRun(
        monitor, "min", log, text, {name + "/": v for name, v in values.items()}, others
    )


def _run(
    log: str, text: str | bytes, values: dict[str, float], monitor: str = "val_loss"
) -> LoggedRun:
    data = text.encode() if isinstance(text, str) else text
    return LoggedRun(monitor, "min", log, data, values, {})


RUNS = {
    "ckptsel": _run(
        "ckptsel.jsonl",
        _lines(
            *(
                {"schema": 1, "event": "saved", "file": f, "epoch": n, "metrics": {"val_loss": v}}
                for n, (f, v) in enumerate(KERAS.items(), 1)
            )
        ),
        KERAS,
    ),
    "hf": _of_hf(),
    "best_k_models": _run(
        "best_k_models.yaml",
        "".join(f"/there/{name}: {loss}\n" for name, loss in STEPS.items()),
        STEPS,
        "best_model_score",
    ),
    "orbax": _of_orbax(),
    "speechbrain": _of_speechbrain(),
    "lightning": _run(
        "metrics.csv",
        "epoch,step,loss,val_loss\n"
        + "".join(f"{n},{n * 10 + 9},0.9,\n{n},{n * 10 + 9},,{v}\n" for n, v in enumerate(LOSSES)),
        STEPS,
    ),
    "timm": _run(
        "summary.csv",
        "epoch,train_loss,eval_loss\n" + TABLE,
        {f"checkpoint-{n}.pth.tar": loss for n, loss in enumerate(LOSSES)},
        "eval_loss",
    ),
    "ultralytics": _run(
        "results.csv",
        "epoch,time,val/box_loss,metrics/mAP50(B)\n"
        + "".join(f"{n},9.5,{loss},0.5\n" for n, loss in enumerate(LOSSES, 1)),
        {f"weights/epoch{n}.pt": loss for n, loss in enumerate(LOSSES)},
        "val/box_loss",
    ),
    "csv": _run("training.csv", "epoch,loss,val_loss\n" + TABLE, KERAS),
    "csv with values in names": _run("training.csv", "epoch,loss,val_loss\n" + TABLE, NAMED),
    "history": _run("history.json", json.dumps({"val_loss": LOSSES}), KERAS),
    "skorch": _run(
        "history.json",
        json.dumps([{"epoch": n, "valid_loss": loss} for n, loss in enumerate(LOSSES, 1)]),
        {f"params_{n}.pt": loss for n, loss in enumerate(LOSSES, 1)},
        "valid_loss",
    ),
    "mmengine": _run(
        "20240131_120000/vis_data/scalars.json",
        b"".join(
            _lines({"loss": 2.5, "epoch": n, "iter": 50 * n, "step": 50 * n})
            + _lines({"val_loss": loss, "step": n})
            for n, loss in enumerate(LOSSES, 1)
        ),
        {f"epoch_{n}.pth": loss for n, loss in enumerate(LOSSES, 1)},
    ),
    "detectron2": _run(
        "metrics.json",
        _lines(*({"iteration": 5000 * n + 4999, "val_loss": v} for n, v in enumerate(LOSSES))),
        {f"model_{5000 * n + 4999:07d}.pth": v for n, v in enumerate(LOSSES)},
    ),
    "mlflow": _run(
        "metrics/val_loss",
        "".join(f"{1700000000000 + n} {loss} {n}\n" for n, loss in enumerate(LOSSES)),
        NAMED,
    ),
    "keras tensorboard": _run(
        "logs/validation/events.out.tfevents.1.v2", events(*EVENTS), KERAS
    ),
    "tensorboard": _run(
        "logs/events.out.tfevents.1",
        events(*(("val_loss", loss, n) for n, loss in enumerate(LOSSES, 1))),
        NAMED,
    ),
}  # fmt: skip
"""Kind of log → a run with such a log."""
