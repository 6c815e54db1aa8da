"""The loop: fit, evaluate and predict.

A line that ends in `# when: ...` is in train.py only where the model needs it.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from torch import nn

from torchtwin.nn.activity import ActivityPenalty
from torchtwin.training.parts.added import forget_losses
from torchtwin.training.parts.batch_norm import in_own_order, keep_biased_variance
from torchtwin.training.parts.checkpoint import (
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from torchtwin.training.parts.precision import Autocast
from torchtwin.training.parts.processes import all_sum, rank, world_size
from torchtwin.training.parts.recipe import (
    LOSS_WEIGHTS,
    OUTPUTS,
    losses,
    make_metrics,
    make_optimizer,
    penalty,
    predictions,
    update,
    update_metrics,
)
from torchtwin.training.parts.reduction import ratio


class Outputs(nn.Module):
    """The module as the loss wants it: with the masks of its outputs, and the penalty on its
    weights, which are whole here where processes share them."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        forget_losses(self.module)  # when: added
        outputs = self.module.logits(*inputs)  # when: logits
        outputs = self.module.with_masks(*inputs)  # when: with_masks
        outputs = self.module(*inputs)  # when: plain
        return (*as_tuple(outputs), penalty(self.module))  # when: penalty
        return as_tuple(outputs)  # when: free


class Run:
    """A training: the module, its optimizer, and how far it has come.

    `epoch` and `batch` count what is done, `step` the updates of the optimizer, `drawn` the batches
    taken from the data in all epochs.
    """

    def __init__(self, module, *, output="run", device=None, fsdp=False, seed=0):
        self.device = device or torch.device("cpu")
        self.module = module.to(self.device)
        self.output, self.seed = Path(output), seed
        self.epoch = self.batch = self.step = self.drawn = 0
        self.stop = False
        self.callbacks = []
        self.figures = Figures(self.device)
        keep_biased_variance(module)  # when: batch_norm
        for part in module.modules():  # when: group_norm
            if isinstance(part, nn.GroupNorm):  # when: group_norm
                part.register_forward_pre_hook(in_own_order)  # when: group_norm
        for part in module.modules():  # when: activity
            if isinstance(part, ActivityPenalty):  # when: activity
                part.recording = True  # when: activity
        self.forward = Outputs(module)
        self.forward = Autocast(self.forward, self.device, torch.bfloat16)  # when: bfloat16
        self.forward = Autocast(self.forward, self.device, torch.float16)  # when: float16
        if fsdp:
            from torch.distributed.fsdp import fully_shard

            fully_shard(self.forward, reshard_after_forward=True)
        elif world_size() > 1:
            unused = False  # when: used
            unused = True  # when: unused
            self.forward = nn.parallel.DistributedDataParallel(
                self.forward, find_unused_parameters=unused
            )
        self.optimizer = make_optimizer(module)

    @property
    def is_main(self):
        """Whether this process writes the files."""
        return rank() == 0

    def train_batch(self, batch, samples):
        """Take one step; `samples` is the size of the batch in all processes."""
        # What is drawn depends on the step alone: a run that is resumed draws the same.
        seed = hash((self.seed, self.step, rank())) % 2**63
        torch.default_generator.manual_seed(seed)  # torch.manual_seed asks every kind of device
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        self.forward.train()
        loss, outputs, batch = self.loss(batch, samples)
        update(loss, self.module, self.optimizer, self.step)
        self.figures.add_metrics(outputs, batch)
        self.step += 1

    def loss(self, batch, samples):
        """Return the loss to differentiate, the outputs and the batch, all on the device."""
        inputs, targets, weights = batch = self.to_device(batch)
        outputs = self.forward(*inputs)
        *outputs, constant = outputs  # when: penalty
        outputs, masks = outputs[: len(OUTPUTS)], outputs[len(OUTPUTS) :]
        terms = losses(outputs, targets, weights, masks)
        terms |= activity_terms(self.module)  # when: activity
        factors = [LOSS_WEIGHTS.get(name, 1.0) for name in terms]
        totals = torch.stack([total for total, _ in terms.values()])
        divisors = all_sum(torch.stack([divisor for _, divisor in terms.values()]))
        values = ratio(totals, divisors)  # the share of this process, if there are several
        loss = torch.dot(values, values.new_tensor(factors))
        found = all_sum(torch.cat([loss.detach()[None], values.detach()]))
        loss = loss * world_size()  # gradients are averaged over the processes
        found[0] += constant.detach()  # when: penalty
        loss = loss + constant  # when: penalty
        names = ["loss"]
        names += [f"{name}_loss" for name in LOSS_WEIGHTS]  # when: several
        self.figures.add_losses(names, found, samples)
        return loss, outputs, (targets, weights, masks)

    def to_device(self, batch):
        """Return a batch on the device, inputs in the dtype of the weights."""
        dtype = next(p.dtype for p in self.module.parameters())

        def moved(x):
            if not isinstance(x, torch.Tensor):
                return x
            x = x.to(self.device, non_blocking=True)
            return x.to(dtype) if x.is_floating_point() else x

        inputs, targets, *weights = (as_tuple(part) for part in batch)
        groups = inputs, targets, weights[0] if weights else ()
        return tuple(tuple(moved(x) for x in group) for group in groups)

    def save(self, path):
        """Write the weights as safetensors."""
        save_weights(self, path)

    def load(self, path):
        """Read the weights of a safetensors file."""
        load_weights(self, path)

    def save_checkpoint(self, path):
        save_checkpoint(self, path)

    def load_checkpoint(self, path):
        load_checkpoint(self, path)

    @torch.no_grad()
    def evaluate(self, data):
        """Return the figures of `data`, as Keras's `evaluate`."""
        kept, self.figures = self.figures, Figures(self.device)
        self.forward.eval()
        for batch, samples in batches(data, 0, 0, len(data)):
            _, outputs, rest = self.loss(batch, samples)
            self.figures.add_metrics(outputs, rest)
        found, self.figures = self.figures.compute(), kept
        return found


class Figures:
    """The losses and metrics of an epoch: averages over the samples so far."""

    def __init__(self, device):
        self.sums, self.samples = {}, 0
        self.metrics = {name: metric.to(device) for name, metric in make_metrics().items()}

    def add_losses(self, names, values, samples):
        for name, value in zip(names, values):  # noqa: B905 (activities have no name)
            self.sums[name] = self.sums.get(name, 0.0) + value * samples
        self.samples += samples

    @torch.no_grad()
    def add_metrics(self, outputs, rest):
        update_metrics(self.metrics, predictions([x.detach() for x in outputs]), *rest)

    def losses(self):
        return {name: float(total) / max(self.samples, 1) for name, total in self.sums.items()}

    def compute(self, *, local=False):
        """Return the figures by their names in Keras's logs; `local` leaves the metrics of other
        processes out, and waits for nobody."""
        found = self.losses()
        for name, metric in self.metrics.items():
            metric.sync_on_compute = not local
            metric._computed = None
            found[name] = metric.compute().item()
        return found

    def reset(self):
        self.sums, self.samples = {}, 0
        for metric in self.metrics.values():
            metric.reset()


def activity_terms(module):
    """Return the penalties on activities that the last forward pass has recorded."""
    terms = {}
    for name, part in module.named_modules():
        if isinstance(part, ActivityPenalty):
            for k, (total, samples) in enumerate(part.recorded):
                terms[f"{name}/{k}"] = total, total.new_tensor(float(samples))
            part.recorded.clear()
    return terms


def as_tuple(part):
    return tuple(part) if isinstance(part, tuple | list) else (part,)


def batches(data, first, start, stop):
    """Yield the batches `start` to `stop` of an epoch that began with batch `first`.

    `Arrays` count batches over all passes; of any other iterable an epoch is one pass.
    """
    if hasattr(data, "batch"):
        yield from (data.batch(k) for k in range(start, stop))
        return
    for k, batch in enumerate(itertools.islice(data, stop - first)):
        if first + k >= start:
            yield batch, int(all_sum(torch.tensor(len(as_tuple(batch[0])[0]))))
