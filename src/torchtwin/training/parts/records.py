"""Callbacks that write figures down: as CSV, for TensorBoard, to a server."""

from __future__ import annotations

import csv
import json
import os
import time

from torchtwin.training.parts.callbacks import Callback, learning_rates, say


class CSVLogger(Callback):
    """Writes the figures of every epoch as a row of a CSV file, in the output folder.

    The columns are those of the first epoch, sorted; without validation in it, every figure has
    a column "val_..." that says NA until there is one. A run that goes on from a checkpoint
    goes on in its file.
    """

    remembered = ("keys", "size")

    def __init__(self, filename, separator=",", append=False):
        self.filename, self.separator, self.append = filename, separator, append
        self.keys = self.size = None
        self.begun = False

    def on_epoch_end(self, run, epoch, logs):
        if not run.is_main:
            return
        path = run.output / self.filename
        if not self.begun:
            self._begin(path)
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        with path.open("a", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if file.tell() == 0:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(logs.get(key, "NA") for key in self.keys)])
        self.size = path.stat().st_size

    def _begin(self, path):
        """Empty the file, or cut it to what it held when the checkpoint was written."""
        self.begun = True
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.size is not None and path.exists():
            os.truncate(path, min(self.size, path.stat().st_size))
        elif not self.append:
            path.write_text("")


class TensorBoard(Callback):
    """Writes the figures for TensorBoard into `log_dir`/train and `log_dir`/validation.

    epoch_<figure> by epoch, evaluation_<figure>_vs_iterations by update, and, with
    `update_freq` batches rather than "epoch", batch_<figure>. `histogram_freq` adds histograms
    of the weights every so many epochs. Unlike Keras's: there is no graph of the model, the
    figures of an epoch do not wait for one that ends on a multiple of `update_freq` batches,
    and where the optimizer has a schedule the learning rate is that of the last step.
    """

    remembered = ("batches",)

    def __init__(
        self, log_dir="logs", histogram_freq=0, write_steps_per_second=False, update_freq="epoch"
    ):
        self.log_dir, self.histogram_freq = log_dir, histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.writers, self.batches = {}, 0

    def _write(self, run, folder, figures, step):
        from torch.utils.tensorboard import SummaryWriter  # needs the package tensorboard

        if folder not in self.writers:
            self.writers[folder] = SummaryWriter(str(run.output / self.log_dir / folder))
        for name, value in figures.items():
            self.writers[folder].add_scalar(name, value, step)

    def on_epoch_begin(self, run, epoch):
        self.epoch_started = self.batch_started = time.perf_counter()
        self.first_batch = self.batches

    def on_batch_end(self, run, batch, logs):
        self.batches += 1
        now = time.perf_counter()
        if run.is_main and self.update_freq != "epoch" and self.batches % self.update_freq == 0:
            figures = {f"batch_{name}": value for name, value in logs.items()}
            if self.write_steps_per_second:
                figures["batch_steps_per_second"] = 1 / (now - self.batch_started)
            self._write(run, "train", figures, self.batches)
        self.batch_started = now

    def on_test_end(self, run, logs):
        if run.is_main:
            figures = {f"evaluation_{k}_vs_iterations": v for k, v in logs.items()}
            self._write(run, "validation", figures, run.step)

    def on_epoch_end(self, run, epoch, logs):
        if not run.is_main:
            return
        train = {f"epoch_{k}": v for k, v in logs.items() if not k.startswith("val_")}
        train |= {f"epoch_{name}": rate for name, rate in learning_rates(run).items()}
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self.epoch_started
            train["epoch_steps_per_second"] = (self.batches - self.first_batch) / seconds
        self._write(run, "train", train, epoch)
        test = {f"epoch_{k[4:]}": v for k, v in logs.items() if k.startswith("val_")}
        if test:
            self._write(run, "validation", test, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, weight in run.module.state_dict().items():
                name = f"{name.replace('.', '/')}/histogram"
                self.writers["train"].add_histogram(name, weight, epoch)

    def on_train_end(self, run, logs):
        for writer in self.writers.values():
            writer.close()


class RemoteMonitor(Callback):
    """Sends the figures of every epoch to a server: as JSON, or as one field of a form."""

    def __init__(
        self,
        root="http://localhost:9000",
        path="/publish/epoch/end/",
        field="data",
        headers=None,
        send_as_json=False,
    ):
        self.url, self.field, self.headers = root + path, field, headers or {}
        self.send_as_json = send_as_json

    def on_epoch_end(self, run, epoch, logs):
        from urllib import parse, request

        if not run.is_main:
            return
        text = json.dumps({"epoch": epoch, **logs})
        headers = dict(self.headers)
        if self.send_as_json:
            headers.setdefault("Content-Type", "application/json")
        else:
            text = parse.urlencode({self.field: text})
        try:
            sent = request.Request(self.url, text.encode(), headers)
            with request.urlopen(sent, timeout=10):
                pass
        except OSError as error:
            say(run, f"{self.url} does not take the figures: {error}")
