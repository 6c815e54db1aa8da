"""Callbacks that act on training: stop it, or change its learning rate."""

from __future__ import annotations

import math
import sys

import torch

from torchtwin.training.parts.checkpoint import copy_of_weights, set_weights


class Callback:
    """What the training loop calls, in this order; a callback defines what it needs.

    `run` has the module, the optimizer, the output folder, `stop` to end training, and `is_main`
    for the process that writes. `logs` are the running figures by name. A callback may add to
    the logs of an epoch: those behind it see the figure, and so does the history.
    A callback is made for one run; `remembered` names what a checkpoint holds of it. One that is
    `last` belongs behind the others.
    """

    remembered: tuple[str, ...] = ()
    last = False

    def on_train_begin(self, run):
        pass

    def on_epoch_begin(self, run, epoch):
        pass

    def on_batch_end(self, run, batch, logs):
        pass

    def on_test_begin(self, run):
        pass

    def on_test_end(self, run, logs):
        pass

    def on_epoch_end(self, run, epoch, logs):
        pass

    def on_train_end(self, run, logs):
        pass

    def state_dict(self):
        return {name: getattr(self, name) for name in self.remembered}

    def load_state_dict(self, state):
        for name in self.remembered:
            setattr(self, name, state[name])


def say(run, text):
    """Print a sentence from the main process, in place of a progress line that is being drawn."""
    if run.is_main:
        print(("\r\033[K" if sys.stdout.isatty() else "") + text, flush=True)


class Monitor(Callback):
    """A callback that watches one figure of the logs and knows when it is better."""

    remembered: tuple[str, ...] = ("best",)

    def __init__(self, monitor="val_loss", mode="auto", min_delta=0.0, best=None):
        if mode == "auto" and monitor.removeprefix("val_") == "loss":
            mode = "min"
        if mode not in ("min", "max"):
            raise ValueError(f"is {monitor} better when smaller or larger? say mode='min' or 'max'")
        self.monitor, self.mode, self.min_delta, self.best = monitor, mode, abs(min_delta), best

    def better(self, value, than):
        """Tell whether `value` beats `than` by more than min_delta; the first figure always does.

        The two are compared in torch's default dtype: a difference that only the float64 of
        Python can see is none.
        """
        if than is None:
            return True
        if self.mode == "min":
            return bool(torch.tensor(value + self.min_delta) < torch.tensor(than))
        return bool(torch.tensor(value - self.min_delta) > torch.tensor(than))

    def current(self, run, logs):
        """Return the figure, or None with a sentence when the logs do not have it."""
        if self.monitor not in logs:
            say(run, f"{type(self).__name__} finds no {self.monitor} among {', '.join(logs)}")
        return logs.get(self.monitor)


class EarlyStopping(Monitor):
    """Ends training when a figure has not become better for more than `patience` epochs.

    With `baseline`, only an epoch that also beats it counts as better for the patience. The
    best weights are put back at the end, whether training was stopped or ran through.
    """

    remembered = ("best", "wait", "best_epoch", "best_weights", "stopped_epoch")

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = self.best_epoch = self.stopped_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, run, epoch, logs):
        value = self.current(run, logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.better(value, self.best):
            self.best = value
            self._keep(run, epoch)
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            run.stop = True

    def _keep(self, run, epoch):
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = copy_of_weights(run)

    def on_train_end(self, run, logs):
        if self.verbose and self.stopped_epoch:
            say(run, f"Stopped early, at the end of epoch {self.stopped_epoch + 1}.")
        if self.best_weights is not None:
            if self.verbose:
                say(run, f"The weights are those of the best epoch, {self.best_epoch + 1}.")
            set_weights(run, self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when a figure has not become better for a while.

    Unlike torch's scheduler of this name: it reduces in the `patience`-th epoch without
    improvement rather than in the one behind it, `min_delta` is absolute, and the epoch that
    ends a cooldown counts.
    """

    remembered = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ValueError(f"a factor of {factor} does not reduce the learning rate")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, run, epoch, logs):
        logs.update(learning_rates(run))
        value = self.current(run, logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and self._reduce(run, epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, run, epoch):
        """Reduce every learning rate above min_lr; tell whether there was one."""
        reduced = [g for g in run.optimizer.param_groups if g["lr"] > self.min_lr]
        for group in reduced:
            group["lr"] = max(group["lr"] * self.factor, self.min_lr)
        if self.verbose and reduced:
            say_rates(run, epoch)
        return bool(reduced)


def learning_rates(run):
    """Return the learning rate by its name in the logs, one for each of several optimizers."""
    rates = {}
    for group in run.optimizer.param_groups:
        name = f"learning_rate_{group['optimizer']}" if "optimizer" in group else "learning_rate"
        rates[name] = float(group["lr"])
    return rates


def say_rates(run, epoch):
    rates = " and ".join(f"{rate:.6g}" for rate in learning_rates(run).values())
    say(run, f"Epoch {epoch + 1}: the learning rate is {rates}.")


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch to `schedule(epoch, rate)` or `schedule(epoch)`."""

    def __init__(self, schedule, verbose=0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, run, epoch):
        for group in run.optimizer.param_groups:
            try:
                rate = self.schedule(epoch, float(group["lr"]))
            except TypeError:  # a function of the epoch alone
                rate = self.schedule(epoch)
            group["lr"] = float(rate)
        if self.verbose:
            say_rates(run, epoch)

    def on_epoch_end(self, run, epoch, logs):
        logs.update(learning_rates(run))


class RateTable:
    """A schedule from pairs (epoch, rate): each rate holds from that epoch on, counted from 0."""

    def __init__(self, *steps):
        self.steps = sorted(steps)

    def __call__(self, epoch, rate):
        for start, value in self.steps:
            rate = value if epoch >= start else rate
        return rate


class TerminateOnNaN(Callback):
    """Ends training, or fails with `raise_error`, when the running loss is NaN or infinite."""

    def __init__(self, raise_error=False):
        self.raise_error = raise_error

    def on_batch_end(self, run, batch, logs):
        loss = float(logs.get("loss", 0.0))
        if math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"the loss is {loss} at batch {batch}")
        say(run, f"The loss is {loss} at batch {batch}: training ends.")
        run.stop = True


class LambdaCallback(Callback):
    """A callback from functions, given by the names of its methods: `on_epoch_end=print`."""

    def __init__(self, **functions):
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"there is no moment {name!r} in training")
            setattr(self, name, function)
