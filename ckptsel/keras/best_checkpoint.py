"""BestCheckpoint: ModelCheckpoint that keeps the best few, and remembers what was best."""

from __future__ import annotations

import math
import os
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import keras

from ckptsel.errors import CkptselWarning
from ckptsel.keras import rivals, saving
from ckptsel.keras.finite import has_finite_weights
from ckptsel.keras.history import History
from ckptsel.keras.keeping import copies, is_better, kept
from ckptsel.keras.logged import not_logged, scalar, scalars
from ckptsel.keras.names import checked_pattern, default_pattern, formatted, free_name
from ckptsel.keras.options import check_options, direction
from ckptsel.training_log.events import Saved
from ckptsel.training_log.identity import sha256_of
from ckptsel.training_log.log import TrainingLog
from ckptsel.transfer.failures import writing

if TYPE_CHECKING:
    from collections.abc import Mapping


class BestCheckpoint(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Save while training, and keep the best and the last checkpoints.

    Every save is written beside its final name and renamed when it is whole, so that no kill and
    no full disk costs a file that was good. `ckptsel.jsonl` in the folder gets a line with every
    logged value; from it a later training knows what was best (docs/keras.md).

    Args:
        directory: the folder; made if it is missing.
        monitor: the metric that decides.
        mode: `min`, `max`, or `auto` for the direction in ckptsel's table.
        keep_best: how many of the best stay; None for all.
        keep_last: how many of the last stay, whatever their values; None for all.
        pattern: how files are called, as for ModelCheckpoint; with {epoch}, counted from 1. If a
            name is taken, `-v1` is added.
        save_weights_only: whether `.weights.h5` is written, and not `.keras`.
        save_freq: `epoch`, or a number of batches.
        verbose: 1 for a line about every save.
        initial_value_threshold: only what is better than this is among the best.

    Attributes:
        best: the best value there ever was, also in earlier trainings; before there is one,
            `initial_value_threshold`.
        best_path: the best file that is there; None if there is none.

    Raises:
        PatternError: for a pattern by which files cannot be told apart.
        UsageError: for other arguments that make no sense.
        DirectionError: if the mode is auto, and the table does not know the metric.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        mode: str = "auto",
        *,
        keep_best: int | None = 3,
        keep_last: int | None = 1,
        pattern: str | None = None,
        save_weights_only: bool = False,
        save_freq: str | int = "epoch",
        verbose: int = 0,
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__()
        self.directory = os.fspath(directory)
        check_options(
            self.directory, mode, keep_best, keep_last, save_freq, initial_value_threshold
        )
        by_batch = save_freq != "epoch"
        self._monitor = direction(monitor, mode)
        self._pattern = (
            default_pattern(monitor, weights_only=save_weights_only, by_batch=by_batch)
            if pattern is None
            else checked_pattern(pattern, weights_only=save_weights_only, by_batch=by_batch)
        )
        self.monitor = monitor
        self.mode = self._monitor.mode
        self.keep_best = keep_best
        self.keep_last = keep_last
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.verbose = verbose
        self.initial_value_threshold = initial_value_threshold
        self.best: float | None = None
        self.best_path: str | None = None
        self._log = TrainingLog(self.directory)
        self._history = History(self._log, self._monitor, self._pattern)
        self._epoch = 0
        self._was_logged = False
        self._told: set[str] = set()
        self._batches = 0
        self._last_batch = -1
        self._began = rivals.now()
        self._recall()

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Read what was best in earlier trainings."""
        del logs
        # Another fit may have other metrics: with no validation data, nothing would be saved.
        self._was_logged = False
        self._began = rivals.now()
        self._recall()
        self._tell_of_replaced()
        best = self._history.best
        if best is not None and self._history.is_lost(best):
            warnings.warn(
                f"the best {self.monitor} so far, {self._history.value(best)!r}, was that of"
                f" {best.file!r}, which is not in {self.directory!r} any more",
                CkptselWarning,
                stacklevel=2,
            )

    def _tell_of_replaced(self) -> None:
        for save in self._history.replaced():
            if save.file not in self._told:
                self._told.add(save.file)
                warnings.warn(
                    f"{save.file!r} in {self.directory!r} is another file than the one that was"
                    " saved: it does not count, and is left as it is",
                    CkptselWarning,
                    stacklevel=3,
                )

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note which epoch it is."""
        del logs
        self._epoch = epoch
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save, if so many batches have passed."""
        if isinstance(self.save_freq, str):
            return
        # With steps_per_execution not every batch is told of.
        self._batches += batch - self._last_batch
        self._last_batch = batch
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(batch + 1, scalars(logs))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Save, unless that is done by batches."""
        self._epoch = epoch
        if self.save_freq == "epoch":
            self._save(None, scalars(logs))

    def _recall(self) -> None:
        with writing(self._log.path):
            self._history.refresh()
        found, best = self._history, self.initial_value_threshold
        if found.best is not None and is_better(found.value(found.best), best, self.mode):
            best = found.value(found.best)
        self.best = best
        present = found.present()
        values = [found.value(save) for save in present]
        first = kept(values, best=1, last=0, mode=self.mode, threshold=self.initial_value_threshold)
        self.best_path = next((found.path(present[place]) for place in first), None)

    def _save(self, batch: int | None, metrics: Mapping[str, float]) -> None:
        """Save, if the file would stay; then remove what need not stay any more.

        Raises:
            MonitorNotFoundError: if the monitor was never logged.
            UsageError: if the pattern asks for what was not logged, or another callback does the
                same.
            DestinationError: if the file cannot be written. All others are as they were.
        """
        rivals.refuse_rival(self, self._pattern, (self._epoch, batch), self._began)
        if self.monitor not in metrics:
            # It may be computed in some epochs only: validation_freq.
            if self._was_logged:
                return
            by_batch = self.save_freq != "epoch"
            raise not_logged(self.monitor, metrics, by_batch=by_batch)
        self._was_logged = True
        if not has_finite_weights(self.model):
            # What was measured of weights that are no numbers is none either.
            metrics = dict.fromkeys(metrics, math.nan)
            self._warn_of_nan()
        value = metrics[self.monitor]
        if not self._would_stay(value):
            self._say(f"{self.monitor}={value:.5f} is not among the best, and is not saved")
            return
        name = formatted(self._pattern, self._epoch + 1, batch, metrics)
        with ExitStack() as stack:
            with writing(self.directory):
                os.makedirs(self.directory, exist_ok=True)
            with writing(self._log.path):
                is_locked = stack.enter_context(self._log.locked())
            if is_locked:
                saving.clear_unfinished(self.directory)
            final = os.path.join(self.directory, free_name(self.directory, name))
            with saving.written(self.model, final, self.directory) as temporary:
                with writing(final):
                    save = self._described(final, temporary, metrics)
                saving.put(temporary, final, self._log, save)
            self._history.add(save)
            before = self.best
            self._recall()
            improved = is_better(value, before, self.mode)
            shown = "None" if before is None else f"{before:.5f}"
            self._say(
                f"{self.monitor} improved from {shown} to {value:.5f}, saved {final}"
                if improved
                else f"{self.monitor}={value:.5f} did not improve from {shown}, saved {final}"
            )
            self._prune()

    def _warn_of_nan(self) -> None:
        if "NaN" not in self._told:
            self._told.add("NaN")
            warnings.warn(
                f"in epoch {self._epoch + 1} the model has weights that are NaN or infinite: while"
                " that is so, metrics are taken for NaN, and what is saved is not among the best",
                CkptselWarning,
                stacklevel=3,
            )

    def _described(self, final: str, temporary: str, metrics: Mapping[str, float]) -> Saved:
        written = os.stat(temporary)
        optimizer = getattr(self.model, "optimizer", None)
        return Saved(
            file=os.path.relpath(final, self.directory).replace(os.sep, "/"),
            epoch=self._epoch + 1,
            step=None if optimizer is None else int(scalar(optimizer.iterations) or 0),
            time=saving.now(),
            keras=keras.__version__,
            size_bytes=written.st_size,
            monitor=self.monitor,
            mode=self.mode,
            metrics=metrics,
            pattern=self._pattern,
            mtime_ns=written.st_mtime_ns,
            sha256=sha256_of(temporary),
        )

    def _kept(self, saves: list[Saved], *more: float) -> set[int]:
        return kept(
            [*map(self._history.value, saves), *more],
            best=self.keep_best,
            last=self.keep_last,
            mode=self.mode,
            threshold=self.initial_value_threshold,
            copies=copies(saves),
        )

    def _would_stay(self, value: float) -> bool:
        own = self._history.own()
        return len(own) in self._kept(own, value)

    def _prune(self) -> None:
        """Remove what the log says was saved for this monitor and pattern, and is among neither."""
        self._tell_of_replaced()
        own = self._history.own()
        stays = self._kept(own)
        for place, save in enumerate(own):
            if place not in stays:
                removed = saving.prune(self._log, save, self._history.path(save))
                self._history.add(removed)

    def _say(self, message: str) -> None:
        if self.verbose > 0:
            print(f"\nEpoch {self._epoch + 1}: {message}")
