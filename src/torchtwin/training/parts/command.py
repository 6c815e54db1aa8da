"""The command line of train.py."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from torchtwin.training.parts.checkpoint import load_checkpoint
from torchtwin.training.parts.data import Arrays, class_weights, split
from torchtwin.training.parts.fit import fit, predict
from torchtwin.training.parts.history import History
from torchtwin.training.parts.loop import Run
from torchtwin.training.parts.optimizer_state import load_optimizer_state
from torchtwin.training.parts.processes import start_processes
from torchtwin.training.parts.progress import Progress
from torchtwin.training.parts.recipe import (
    INPUTS,
    TARGETS,
    load,
    make_callbacks,
)


def arguments():
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description="Train the model of model.py.")
    add = parser.add_argument
    add("--x", nargs="+", metavar="FILE", required=True, help="inputs (.npy), one file for each")
    add("--y", nargs="+", metavar="FILE", help="targets (.npy), one file for each")
    add("--sample-weight", nargs="+", metavar="FILE", help="weights of the samples (.npy)")
    add("--class-weight", metavar="JSON", help='weights of the classes: \'{"0": 1, "1": 5}\'')
    add("--validation-x", nargs="+", metavar="FILE", help="inputs to validate with (.npy)")
    add("--validation-y", nargs="+", metavar="FILE", help="their targets (.npy)")
    add("--validation-split", type=float, metavar="F", help="validate with the last F of the data")
    add("--channels-last", action="store_true", help="of the files, as in Keras")  # when: images
    add("--epochs", type=int, default=1, metavar="N", help="passes over the data (default: 1)")
    add("--batch-size", type=int, metavar="N", help="in all processes together (default: 32)")
    add("--steps-per-epoch", type=int, metavar="N", help="batches of an epoch (default: all)")
    add("--no-shuffle", action="store_true", help="take the samples in their order")
    add("--seed", type=int, default=0, metavar="N", help="of shuffling, dropout and new weights")
    start = parser.add_mutually_exclusive_group()
    new = "begin with new weights"  # when: reset
    start.add_argument("--from-scratch", action="store_true", help=new)  # when: reset
    about = "go on with the optimizer's state in the model, or from a checkpoint of a run"
    start.add_argument("--resume", nargs="?", const="model", metavar="CHECKPOINT", help=about)
    add("--checkpoint-every", type=int, metavar="N", help="steps between two checkpoints")
    add("--output", type=Path, default=Path("run"), metavar="DIR", help="folder (default: run)")
    add("--evaluate", action="store_true", help="print the figures of the data, train nothing")
    add("--predict", type=Path, metavar="FILE", help="write the outputs (.npy), train nothing")
    add("--fsdp", action="store_true", help="share the weights among the processes (torchrun)")
    add("--verbose", type=int, choices=(0, 1, 2), default=1, help="nothing, a bar, lines")
    return parser.parse_args()


def main():
    """Train, evaluate or predict, as the command line says."""
    options = arguments()
    device = start_processes()
    module = load()
    if options.from_scratch:  # when: reset
        torch.manual_seed(options.seed)  # when: reset
        module.reset_parameters()  # when: reset
    run = Run(module, output=options.output, device=device, fsdp=options.fsdp, seed=options.seed)
    inputs = read(options.x, INPUTS, options)
    if options.predict:
        outputs = predict(run, inputs, options.batch_size or 32)
        for k, output in enumerate(outputs if run.is_main else ()):
            more = f"_{k}" if len(outputs) > 1 else ""
            np.save(options.predict.with_name(f"{options.predict.stem}{more}.npy"), output)
        return
    data, validation = datasets(options, inputs)
    if options.evaluate:
        print(json.dumps(run.evaluate(data)) if run.is_main else "", end="\n" * run.is_main)
        return
    shown = Progress(options.epochs, options.steps_per_epoch or len(data), options.verbose)
    run.callbacks = sorted([*make_callbacks(), History(), shown], key=lambda c: c.last)
    if options.resume == "model":
        run.step = state_of_the_model(run)
    elif options.resume:
        load_checkpoint(run, existing(options.resume))
    every, steps = options.checkpoint_every, options.steps_per_epoch
    fit(run, data, epochs=options.epochs, validation=validation, steps_per_epoch=steps,
        checkpoint_every=every)  # fmt: skip
    run.save(run.output / "model.safetensors")


def state_of_the_model(run):
    """Give the optimizer the state that the Keras file held; return the step it stopped at."""
    state = Path(__file__).with_name("optimizer.safetensors")  # when: state
    return load_optimizer_state(run.optimizer, run.module, state)  # when: state
    raise SystemExit("--resume: the Keras file held no optimizer state")  # when: stateless


def existing(path):
    if not Path(path).exists():
        raise SystemExit(f"{path}: there is no such file")
    return path


def datasets(options, inputs):
    """Return the data to train on, and to validate with if any is given."""
    if not options.y:
        raise SystemExit("--y: the targets are missing")
    targets = read(options.y, TARGETS, options)
    weights = [np.load(existing(path), mmap_mode="r") for path in options.sample_weight or ()]
    validation = None
    if options.validation_x:
        validation = [
            read(options.validation_x, INPUTS, options),
            read(options.validation_y or (), TARGETS, options),
            [],
        ]
    elif options.validation_split:
        groups = inputs, targets, weights
        pairs = [[split(a, options.validation_split) for a in group] for group in groups]
        inputs, targets, weights = ([pair[0] for pair in group] for group in pairs)
        validation = [[pair[1] for pair in group] for group in pairs]
    if options.class_weight:
        if weights or len(targets) > 1:
            raise SystemExit("--class-weight is for one target, without --sample-weight")
        table = {int(k): float(v) for k, v in json.loads(options.class_weight).items()}
        weights = [class_weights(targets[0], table)]
    steps, seed = options.steps_per_epoch, options.seed
    size = options.batch_size or (-(-len(inputs[0]) // steps) if steps else 32)
    shuffled = not options.no_shuffle and not options.evaluate
    data = Arrays(inputs, targets, weights, batch_size=size, shuffle=shuffled, seed=seed)
    return data, validation and Arrays(*validation, batch_size=size)


def read(paths, expected, options):
    """Return the arrays of some files, checked against the names and shapes that are expected."""
    if len(paths) != len(expected):
        raise SystemExit(f"{len(expected)} files are needed: {', '.join(n for n, *_ in expected)}")
    arrays = []
    for path, (name, shape, channels, exact) in zip(paths, expected, strict=True):
        array = np.load(existing(path), mmap_mode="r")
        if channels and array.ndim == len(shape) + 1:  # when: images
            moved = np.moveaxis(array, -1, channels)  # when: images
            told = exact and fits(moved, shape) and not fits(array, shape)  # when: images
            options.channels_last = options.channels_last or told  # when: images
            array = moved if options.channels_last else array  # when: images
        if exact and not fits(array, shape):
            wanted = ", ".join("?" if n is None else str(n) for n in shape)
            raise SystemExit(f"{path}: {array.shape}, but {name} is (n, {wanted})")
        arrays.append(array)
    return arrays


def fits(array, shape):
    """Tell whether samples have a shape; None is any length, and 1 stands for others, as in Keras,
    or for no axis at the end."""
    given = array.shape[1:]
    if shape[-1:] == (1,) and len(given) == len(shape) - 1:
        given = (*given, 1)
    lengths = zip(given, shape, strict=False)
    return len(given) == len(shape) and all(b is None or a in (1, b) for a, b in lengths)
