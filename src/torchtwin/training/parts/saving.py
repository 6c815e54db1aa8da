"""Callbacks that save: weights as training goes, and checkpoints to start again from."""

from __future__ import annotations

import os

import torch.distributed as dist

from torchtwin.training.parts.callbacks import Callback, Monitor, say
from torchtwin.training.parts.checkpoint import copy_of_weights, set_weights
from torchtwin.training.parts.optimizer_steps import use_averages


class ModelCheckpoint(Monitor):
    """Saves the weights every epoch, or every `save_freq` batches, or when a figure is best yet.

    The file's name may hold figures, "{epoch:02d}-{val_loss:.2f}.safetensors", counted from 1;
    it lies in the output folder unless it is absolute. What is saved are the weights alone: the
    model is model.py, and the optimizer's state is in the checkpoints of the loop.
    """

    remembered = ("best", "batches")

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        # the figure matters only when it decides
        super().__init__(monitor, mode if save_best_only else "min", best=initial_value_threshold)
        self.filepath, self.verbose = str(filepath), verbose
        self.save_best_only, self.save_freq = save_best_only, save_freq
        self.epoch = self.batches = 0

    def on_epoch_begin(self, run, epoch):
        self.epoch = epoch

    def on_batch_end(self, run, batch, logs):
        if self.save_freq == "epoch":
            return
        self.batches += 1
        if self.batches >= self.save_freq:
            self.batches = 0
            self._save(run, {"epoch": self.epoch + 1, "batch": batch + 1, **logs})

    def on_epoch_end(self, run, epoch, logs):
        if self.save_freq == "epoch":
            self._save(run, {"epoch": epoch + 1, **logs})

    def _save(self, run, figures):
        try:
            path = run.output / self.filepath.format(**figures)
        except KeyError as error:
            known = ", ".join(figures)
            raise KeyError(f"no {error} for the name {self.filepath}, only {known}") from None
        wanted = self._wanted(run, figures)
        if dist.is_initialized():  # when: processes
            choice = [wanted]  # when: processes
            dist.broadcast_object_list(choice)  # when: processes
            wanted = choice[0]  # when: processes
        if not wanted:
            return
        run.save(path)
        if self.verbose:
            say(run, f"Epoch {figures['epoch']}: saved {path}.")

    def _wanted(self, run, figures):
        if not self.save_best_only:
            return True
        value = self.current(run, figures)
        if value is None:
            return True  # rather a file too many than none
        if self.better(value, self.best):
            self.best = value
            return True
        if self.verbose:
            best = f"{self.monitor} is no better than {self.best:.5f}"
            say(run, f"Epoch {figures['epoch']}: {best}, not saved.")
        return False


class BackupAndRestore(Callback):
    """Keeps a checkpoint of the run, and goes on from it when the program starts again.

    It goes on at the very batch, with the optimizer, the callbacks and the order of the data as
    they were; it is the last of the callbacks, so that they are done with the epoch it saves.
    The checkpoint goes when training has come to its end, unless `delete_checkpoint` is False;
    `double_checkpoint` keeps the one before as well, for when the last cannot be read.
    """

    last = True

    def __init__(
        self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True
    ):
        self.backup_dir, self.save_freq = backup_dir, save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.batches = 0

    def on_train_begin(self, run):
        last, before = self._files(run)
        if not last.exists() and not before.exists():
            return
        try:
            run.load_checkpoint(last)
        except Exception as error:  # cut short by whatever ended the program
            if not before.exists():
                raise
            say(run, f"{last} cannot be read ({error}): going on from {before}")
            run.load_checkpoint(before)

    def on_batch_end(self, run, batch, logs):
        if self.save_freq == "epoch":
            return
        self.batches += 1
        if self.batches >= self.save_freq:
            self.batches = 0
            self._save(run)

    def on_epoch_end(self, run, epoch, logs):
        if self.save_freq == "epoch":
            self._save(run)

    def on_train_end(self, run, logs):
        if run.is_main and self.delete_checkpoint:
            for path in self._files(run):
                path.unlink(missing_ok=True)

    def _save(self, run):
        last, before = self._files(run)
        if run.is_main and self.double_checkpoint and last.exists():
            os.replace(last, before)
        run.save_checkpoint(last)

    def _files(self, run):
        folder = run.output / self.backup_dir
        return folder / "backup.pt", folder / "backup.previous.pt"


class SwapEMAWeights(Callback):
    """Evaluates with the optimizer's moving averages of the weights instead of the weights.

    With `swap_on_epoch` the averages stay from the end of an epoch to the start of the next, so
    that the callbacks behind this one, such as ModelCheckpoint, see them too.
    """

    remembered = ("weights",)

    def __init__(self, swap_on_epoch=False):
        self.swap_on_epoch = swap_on_epoch
        self.weights = None  # while the module has the averages

    def on_train_begin(self, run):
        if not any("average" in state for state in run.optimizer.state.values()):
            raise ValueError("SwapEMAWeights needs an optimizer that keeps averages (use_ema)")

    def on_epoch_begin(self, run, epoch):
        self._put_back(run)

    def on_test_begin(self, run):
        self._use_averages(run)

    def on_test_end(self, run, logs):
        self._put_back(run)

    def on_epoch_end(self, run, epoch, logs):
        if self.swap_on_epoch:
            self._use_averages(run)

    def _use_averages(self, run):
        if self.weights is None:
            self.weights = copy_of_weights(run)
            use_averages(run.optimizer)

    def _put_back(self, run):
        if self.weights is not None:
            set_weights(run, self.weights)
            self.weights = None
