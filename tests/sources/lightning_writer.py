"""Trains with Lightning in a process of its own: a run for each template, and what it calls best.

Run as `python -m tests.sources.lightning_writer FOLDER`; prints JSON: run → best_model_path.
"""

# ruff: noqa: PLC0415 - the tables are for the tests, which import no framework.
from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

# Epoch by epoch; some are equal to two digits, and neither metric improves steadily.
LOSSES = (0.71, 0.32441, 0.32012, 0.31961, 0.40, 0.32249)
ACCURACIES = (0.5, 0.90439, 0.90112, 0.88, 0.90441, 0.9)

# Template, and whether Lightning puts the metric's name before its value.
TEMPLATES: tuple[tuple[str | None, bool], ...] = (
    (None, True),
    ("{epoch:02d}-{val_loss:.2f}", True),
    ("{epoch}-{val_loss:.4f}", True),
    ("{step}-{val_loss:.1f}", True),
    ("model-{epoch:02d}", True),
    ("{epoch:02d}-{val_loss:.2f}-{val_acc:.2f}", True),
    ("e{epoch}-vl{val_loss:.2f}", False),
    ("{epoch:03d}", False),
    ("{val_acc}-{val_loss}", True),
    ("run-{epoch}-{step}-{val/acc:.2f}", True),
)
MONITORS = {"min": "val_loss", "max": "val_acc"}


def main(folder: str) -> None:
    """Train each of the runs."""
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import lightning
    import torch
    from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        """A line, whose validation gives what the tables above say."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            loss: torch.Tensor = self.layer(batch[0]).square().mean()
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, _: list[torch.Tensor], __: int) -> None:
            epoch = self.current_epoch
            self.log("val_loss", LOSSES[epoch])
            self.log("val_acc", ACCURACIES[epoch])
            self.log("val/acc", ACCURACIES[epoch])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.ones(8, 1)), batch_size=2
    )
    best = {}
    for mode, monitor in MONITORS.items():
        for index, (template, inserts) in enumerate(TEMPLATES):
            run = f"{mode}-{index}"
            saver = ModelCheckpoint(
                monitor=monitor,
                mode=mode,
                filename=template,
                auto_insert_metric_name=inserts,
                save_top_k=-1,
                save_last=index % 2 == 0,
            )
            lightning.Trainer(
                max_epochs=len(LOSSES),
                accelerator="cpu",
                logger=CSVLogger(folder, name=run),
                callbacks=[saver, LearningRateMonitor()],
                enable_progress_bar=False,
                enable_model_summary=False,
                log_every_n_steps=1 + index % 3,
                num_sanity_val_steps=0,
            ).fit(Module(), data, data)
            if index % 4 == 3:
                saver.to_yaml()
            best[run] = saver.best_model_path
    for name, every in (("tensorboard", 1), ("seldom", 50)):
        best[name] = tensorboard(folder, Module(), data, name, every)
    summary_writer(folder)
    print(json.dumps(best))


def tensorboard(folder: str, module: Any, data: Any, name: str, every: int) -> str:
    """A run whose only log is TensorBoard's: the best checkpoint."""
    import lightning
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import TensorBoardLogger

    saver = ModelCheckpoint(monitor="val_loss", save_top_k=-1)
    lightning.Trainer(
        max_epochs=len(LOSSES),
        accelerator="cpu",
        logger=TensorBoardLogger(folder, name=name),
        callbacks=[saver],
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=every,
        num_sanity_val_steps=0,
    ).fit(module, data, data)
    return saver.best_model_path


def summary_writer(folder: str) -> None:
    """PyTorch's SummaryWriter, given the epoch as the step; and files that name it and the loss."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(f"{folder}/writer/runs") as writer:
        for epoch, loss in enumerate(LOSSES):
            writer.add_scalar("Loss/train", 2 * loss, epoch)
            writer.add_scalar("val_loss", loss, epoch, new_style=True)
            with open(f"{folder}/writer/ep{epoch}-val_loss{loss:.2f}.pt", "wb") as file:
                file.write(b"x" * epoch)


if __name__ == "__main__":
    main(sys.argv[1])
