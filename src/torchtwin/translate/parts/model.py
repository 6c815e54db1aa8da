"""A module that can be trained, and its loop over epochs and batches."""

from __future__ import annotations

import time

import torch
from torch import nn

from torchtwin.nn.graphs import with_names
from torchtwin.nn.penalties import put_back
from torchtwin.training.parts.data import class_weights
from torchtwin.training.parts.optimizer_steps import use_averages
from torchtwin.translate.parts.batches import Passes, batches_of, parts_of, split
from torchtwin.translate.parts.callbacks import Callbacks
from torchtwin.translate.parts.files import (
    count_of,
    fill_waiting,
    load_weights_of,
    must_be_built,
    print_summary,
    save_model,
    set_weights_of,
    weights_of,
)
from torchtwin.translate.parts.freezing import freeze, train_unfrozen, trained
from torchtwin.translate.parts.goals import (
    Goals,
    additional_losses,
    clear_losses,
    metrics_inside,
)
from torchtwin.translate.parts.history import History, show
from torchtwin.translate.parts.structures import (
    as_array,
    as_input,
    flat,
    joined,
    mapped,
    samples_of,
)


class Model(nn.Module):
    """A module that trains itself: `compile` says what for, `fit` does it.

    Behind `compile` and between two trainings it is in evaluation mode.
    """

    optimizer = loss = goals = history = output_names = None
    stop_training = False
    run = None  # when: callbacks

    def __call__(self, *args, **kwargs):
        """Apply the model; arrays of numpy will do."""
        args = [mapped(lambda x: as_input(x, self), x) for x in args]
        fill_waiting(self, args, kwargs)  # when: set_weights
        return super().__call__(*args, **kwargs)

    def compile(
        self, optimizer=None, loss=None, loss_weights=None, metrics=None, weighted_metrics=None
    ):
        """Say what is minimised and measured, and how: losses and metrics of each output.

        A loss, or metrics, that are not given stay what they were.
        """
        before = (None,) * 4 if self.goals is None else self.goals.given
        losses = before[:2] if loss is None else (loss, loss_weights)
        none = metrics is None and weighted_metrics is None
        self.optimizer, self.loss = optimizer, losses[0]
        self.goals = Goals(*losses, *(before[2:] if none else (metrics, weighted_metrics)))
        self.goals.inner = metrics_inside(self)  # when: update_state
        self.eval()

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train, and return the figures of all epochs.

        `x` and `y` are arrays or structures of them, or `x` makes batches (inputs, targets) or
        (inputs, targets, weights). `validation_split` takes the last part, before any shuffling.
        """
        if validation_split and validation_data is None:  # when: validation_split
            whole = split((x, y, sample_weight), validation_split)  # when: validation_split
            (x, y, sample_weight), validation_data = whole  # when: validation_split
        data = batches_of(x, y, sample_weight, batch_size, shuffle, steps_per_epoch)
        data.weigh(class_weight)  # when: class_weight
        passes, validation = Passes(data, steps_per_epoch), None
        if validation_data is not None:  # when: validated
            size, steps = validation_batch_size or batch_size, validation_steps  # when: validated
            given = batches_of(*parts_of(validation_data), size, steps=steps)  # when: validated
            validation = Passes(given, steps)  # when: validated
        self.run = Callbacks(self, callbacks, epochs, passes.steps, verbose)  # when: callbacks
        wanted = range(initial_epoch, epochs)
        return self.train_epochs(wanted, passes, verbose, validation, validation_freq)

    def train_epochs(self, epochs, passes, verbose=0, validation=None, validation_freq=1):
        """Train for some epochs; return their figures."""
        self.history, self.stop_training, logs = History(), False, {}
        self.run.tell("on_train_begin")  # when: callbacks
        for epoch in epochs:
            started = time.perf_counter()
            logs = self.train_epoch(epoch, passes)
            due = (epoch + 1) % validation_freq == 0  # when: validated
            if due and validation is not None:  # when: validated
                found = self.figures_of(validation)  # when: validated
                logs |= {f"val_{name}": found[name] for name in found}  # when: validated
            self.run.tell("on_epoch_end", epoch, logs=logs)  # when: callbacks
            self.history.add(epoch, logs)
            if verbose:
                show(f"Epoch {epoch + 1}/{epochs.stop}", time.perf_counter() - started, logs)
            if self.stop_training:  # when: callbacks
                break  # when: callbacks
        use_averages(self.optimizer.torch)  # when: averages
        self.run.tell("on_train_end", logs=logs)  # when: callbacks
        return self.history

    def train_epoch(self, epoch, passes):
        """Train with the batches of an epoch; return its figures."""
        self.goals.reset()
        self.run.tell("on_epoch_begin", epoch)  # when: callbacks
        for k, batch in enumerate(passes):
            self.run.tell("on_train_batch_begin", k)  # when: callbacks
            self.train_batch(*batch)
            self.run.tell("on_train_batch_end", k, logs=self.goals.logs)  # when: callbacks
            if self.stop_training:  # when: callbacks
                break  # when: callbacks
        self.eval()
        return self.goals.logs()

    @torch.enable_grad()  # when: without_gradients
    def train_batch(self, x, y=None, weights=None):
        """Take one step of the optimizer."""
        self.train()
        train_unfrozen(self)  # when: trainable
        loss = self.loss_of(x, y, weights)
        parameters = [p for p in self.parameters() if p.requires_grad]
        parameters = trained(self)  # when: trainable
        self.optimizer.minimise(loss, parameters)
        put_back(self)  # when: constrained

    def loss_of(self, x, y=None, weights=None):
        """Return the loss of a batch, which is added to the figures with the metrics."""
        clear_losses(self)  # when: add_losses
        outputs = self(x)
        targets, weights, outputs = self.goals.arranged(y, weights, outputs, self.output_names)
        self.goals.masks = flat(getattr(self, "output_mask", None))  # when: masked
        terms = []
        terms = additional_losses(self)  # when: add_losses
        loss = self.goals.loss(outputs, targets, weights, terms, samples_of(x))
        self.goals.measure(outputs, targets, weights)
        return loss

    @torch.no_grad()
    def figures_of(self, passes):
        """Return the figures of data that nothing is learned from."""
        self.goals.reset()
        self.eval()
        self.run.tell("on_test_begin")  # when: callbacks
        for k, batch in enumerate(passes.anew()):
            self.run.tell("on_test_batch_begin", k)  # when: callbacks
            self.loss_of(*batch)
            self.run.tell("on_test_batch_end", k, logs=self.goals.logs)  # when: callbacks
        logs = self.goals.logs()
        self.run.tell("on_test_end", logs=logs)  # when: callbacks
        return logs

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose=1,
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Return the loss and the metrics: as a list, or by their names with `return_dict`."""
        started = time.perf_counter()
        before, self.run = self.run, Callbacks(self, callbacks, verbose=verbose)  # when: callbacks
        data = batches_of(x, y, sample_weight, batch_size, steps=steps)
        logs = self.figures_of(Passes(data, steps))
        self.run = before  # when: callbacks
        if verbose:
            show("Evaluation", time.perf_counter() - started, logs)
        return logs if return_dict else self.goals.in_order(logs)

    def predict(self, x, batch_size=None, verbose=1, steps=None, callbacks=None):
        """Return the outputs for all samples, as numpy arrays."""
        before, self.run = self.run, Callbacks(self, callbacks, verbose=verbose)  # when: callbacks
        self.run.tell("on_predict_begin")  # when: callbacks
        passes = Passes(batches_of(x, batch_size=batch_size, steps=steps), steps)
        outputs = [self.predict_on_batch(inputs) for inputs, *_ in passes]
        self.run.tell("on_predict_end")  # when: callbacks
        self.run = before  # when: callbacks
        return joined(outputs)

    @torch.no_grad()
    def predict_on_batch(self, x):
        """Return the outputs for one batch, as numpy arrays."""
        self.eval()
        clear_losses(self)  # when: add_losses
        outputs = self(x)
        return mapped(lambda part: part.cpu().numpy(), outputs)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Take one step, and return its loss and metrics."""
        if class_weight is not None:  # when: class_weight
            sample_weight = class_weights(as_array(y), class_weight)  # when: class_weight
        self.goals.reset()
        self.train_batch(x, y, sample_weight)
        self.eval()
        logs = self.goals.logs()
        return logs if return_dict else self.goals.in_order(logs)

    @torch.no_grad()
    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Return the loss and the metrics of one batch."""
        self.goals.reset()
        self.eval()
        self.loss_of(x, y, sample_weight)
        logs = self.goals.logs()
        return logs if return_dict else self.goals.in_order(logs)

    @property
    def trainable(self):
        """Whether the weights are trained; setting it says so for every module inside."""
        return vars(self).get("is_trainable", True)

    @trainable.setter
    def trainable(self, value):
        freeze(self, not value)

    @property
    def layers(self):
        """The modules of which this one is made."""
        return with_names(self.named_children())

    @property
    def metrics_names(self):
        """The names of the figures: the loss, then the metrics."""
        return ["loss", *(name for name, *_ in self.goals.metrics)]

    def get_layer(self, name=None, index=None):
        """Return a module of which this one is made, by its name or its place."""
        if index is not None:
            return with_names(self.named_children())[index]
        found = [part for part in self.children() if getattr(part, "name", None) == name]
        return found[0] if found else self.get_submodule(name)

    def get_weights(self):
        """Return all weights as numpy arrays, as PyTorch has them."""
        must_be_built(self)
        return [value.cpu().numpy().copy() for value in weights_of(self).values()]

    def set_weights(self, arrays):
        """Take the arrays that `get_weights` returned for such a model."""
        set_weights_of(self, arrays)

    def count_params(self):
        """Return how many numbers the weights are."""
        return count_of(self)

    def summary(self):
        """Print the modules of which this one is made, and how many weights they have."""
        print_summary(self)

    def save(self, path, overwrite=True):
        """Write the weights to a file, with the state of the optimizer."""
        save_model(self, path)

    def save_weights(self, path, overwrite=True):
        """Write the weights to a file."""
        save_model(self, path)

    def load_weights(self, path):
        """Take the weights of a file that `save` or `save_weights` has written."""
        load_weights_of(self, path)
