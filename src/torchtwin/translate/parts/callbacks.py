"""Callbacks as programs write them, and what tells all of them how training goes."""

from __future__ import annotations

from pathlib import Path

from torchtwin.translate.parts.structures import flat


class TrainingCallback:
    """What the loop calls; a program's callback defines what it needs.

    `model` is what is trained, `params` what `fit` was told.
    """

    def on_train_begin(self, logs=None):
        pass

    def on_train_end(self, logs=None):
        pass

    def on_epoch_begin(self, epoch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_batch_begin(self, batch, logs=None):
        pass

    def on_batch_end(self, batch, logs=None):
        pass

    def on_train_batch_begin(self, batch, logs=None):
        pass

    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_test_begin(self, logs=None):
        pass

    def on_test_end(self, logs=None):
        pass

    def on_test_batch_begin(self, batch, logs=None):
        pass

    def on_test_batch_end(self, batch, logs=None):
        pass

    def on_predict_begin(self, logs=None):
        pass

    def on_predict_end(self, logs=None):
        pass

    def on_predict_batch_begin(self, batch, logs=None):
        pass

    def on_predict_batch_end(self, batch, logs=None):
        pass


class FunctionCallback(TrainingCallback):
    """A callback from functions, given by the names of its methods."""

    def __init__(self, **functions):
        for name, function in functions.items():
            if function is not None:
                setattr(self, name, function)


class Callbacks:
    """All callbacks of a training, told of what happens in it."""

    is_main = True  # when: PLAIN_CALLBACKS
    output = Path()  # when: PLAIN_CALLBACKS

    def __init__(self, model, callbacks, epochs=1, steps=None, verbose=1):
        params = {"epochs": epochs, "steps": steps, "verbose": verbose}
        self.model = self.module = model
        self.callbacks = [callback for callback in flat(callbacks) if callback is not None]
        for callback in self.callbacks:
            callback.model, callback.params = model, params

    @property
    def optimizer(self):
        return self.model.optimizer

    @property
    def stop(self):
        return self.model.stop_training

    @stop.setter
    def stop(self, value):
        self.model.stop_training = value

    @property
    def step(self):
        return self.model.optimizer.iterations

    def save(self, path):
        self.model.save(path)

    def tell(self, event, *arguments, logs=None):
        """Tell all of an event; `logs` may be a function that computes the figures so far."""
        for callback in self.callbacks:
            hook = listening(callback, event)
            if hook is not None:
                logs = logs() if callable(logs) else logs
                given = (*arguments, {} if logs is None else logs)
                if not isinstance(callback, TrainingCallback):  # when: PLAIN_CALLBACKS
                    given = (self, *arguments, *([logs] if logs else []))  # when: PLAIN_CALLBACKS
                hook(*given)


def listening(callback, event):
    """Return what a callback does at an event, None where it does nothing."""
    for name in (event, event.replace("_train_batch_", "_batch_")):
        owners = [vars(callback), *map(vars, type(callback).__mro__[:-2])]
        if any(name in owner for owner in owners):
            return getattr(callback, name)
    return None
