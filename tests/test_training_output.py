"""What a run leaves and shows: history, CSV, TensorBoard, a server, and progress in a terminal."""

from __future__ import annotations

import contextlib
import csv
import http.server
import io
import os
import pty
import re
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import keras
import numpy as np
import pytest
import torch

import callback_support as support
from torchtwin.training.parts.callbacks import Callback, say
from torchtwin.training.parts.history import History
from torchtwin.training.parts.progress import Progress, duration, figures
from torchtwin.training.parts.records import CSVLogger, RemoteMonitor, TensorBoard

EPOCHS = [
    {"accuracy": 0.5, "loss": 1.25, "val_accuracy": 0.25, "val_loss": 1e-7},
    {"accuracy": 0.75, "loss": float("nan"), "val_accuracy": 0.5, "val_loss": 0.1 + 0.2},
    {"accuracy": 1.0, "loss": float("inf"), "val_accuracy": 0.5, "val_loss": 3.0},
]
UNVALIDATED = [{"loss": 1.0}, {"loss": 0.5, "val_loss": 2.0}, {"loss": 0.25}]
GROWING = [{"loss": 1.0, "val_loss": 1.0}, {"loss": 0.5}, {"loss": 0.1, "val_loss": 1.0, "b": 2.0}]


def epochs(
    callback: Callback, run: Any, logs: Sequence[Mapping[str, float]], first: int = 0
) -> None:
    for epoch, given in enumerate(logs, first):
        callback.on_epoch_begin(run, epoch)
        callback.on_epoch_end(run, epoch, dict(given))


def stored(state: Any) -> Any:
    """Return a state as it comes back from a checkpoint."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("logs", [EPOCHS, UNVALIDATED])
@pytest.mark.parametrize("options", [{}, {"separator": ";"}, {"append": True}])
def test_csv_logger_writes_the_file_that_keras_writes(
    logs: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    for _ in range(2):  # the second run appends, or begins again
        theirs = keras.callbacks.CSVLogger(tmp_path / "keras.csv", **options)
        theirs.on_train_begin()
        for epoch, given in enumerate(logs):
            theirs.on_epoch_end(epoch, dict(given))
        theirs.on_train_end()
        epochs(CSVLogger("ours.csv", **options), support.Run(tmp_path), logs)
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "keras.csv").read_bytes()


@pytest.mark.parametrize("append", [False, True])
def test_csv_logger_goes_on_where_the_checkpoint_was(append: bool, tmp_path: Path) -> None:
    run = support.Run(tmp_path)
    epochs(CSVLogger("whole.csv"), run, EPOCHS)
    first = CSVLogger("broken.csv", append=append)
    epochs(first, run, EPOCHS[:1])
    state = stored(first.state_dict())
    epochs(first, run, EPOCHS[1:2], 1)  # of this epoch there is no checkpoint
    second = CSVLogger("broken.csv", append=append)
    second.load_state_dict(state)
    epochs(second, run, EPOCHS[1:], 1)
    assert (tmp_path / "broken.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_history_is_a_row_for_each_epoch_with_the_columns_of_keras(tmp_path: Path) -> None:
    run, ours = support.Run(tmp_path), History()
    for epoch, given in enumerate(EPOCHS):
        ours.on_epoch_end(run, epoch, given)
        found = rows(tmp_path / "history.csv")
        assert found[0] == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
        assert len(found) == epoch + 2
        assert found[-1] == [str(epoch), *(repr(given[name]) for name in found[0][1:])]


def test_history_takes_figures_that_come_later(tmp_path: Path) -> None:
    epochs(History(), support.Run(tmp_path), GROWING)
    assert rows(tmp_path / "history.csv") == [
        ["epoch", "b", "loss", "val_loss"],
        ["0", "", "1.0", "1.0"],
        ["1", "", "0.5", ""],
        ["2", "2.0", "0.1", "1.0"],
    ]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_history_goes_on_where_the_checkpoint_was(elsewhere: bool, tmp_path: Path) -> None:
    run, whole, first = support.Run(tmp_path / "a"), History(), History()
    epochs(whole, run, EPOCHS)
    wanted = (tmp_path / "a" / "history.csv").read_text()
    epochs(first, run, EPOCHS[:2])
    state = stored(first.state_dict())
    epochs(first, run, EPOCHS[2:], 2)
    folder = tmp_path / ("b" if elsewhere else "a")
    second = History()
    second.load_state_dict(state)
    epochs(second, support.Run(folder), EPOCHS[2:], 2)
    assert (folder / "history.csv").read_text() == wanted


@pytest.mark.parametrize("logs", [EPOCHS, EPOCHS[:1], GROWING, [{"loss": float("nan")}]])
def test_the_plot(logs: Any, tmp_path: Path) -> None:
    run, ours = support.Run(tmp_path), History()
    epochs(ours, run, logs)
    ours.on_train_end(run, {})
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    run, ours = support.Run(tmp_path), History()
    epochs(ours, run, EPOCHS)
    ours.on_train_end(run, {})
    assert "matplotlib is not installed" in capsys.readouterr().out
    assert not (tmp_path / "history.png").exists()


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    run = support.Run(tmp_path)
    run.is_main = False
    for ours in (History(), CSVLogger("a.csv"), TensorBoard(), RemoteMonitor()):
        epochs(ours, run, EPOCHS)
        ours.on_train_end(run, {})
    assert not list(tmp_path.iterdir())


def events_of(folder: Path) -> Any:
    """Return a reader that keeps every event, in whatever order of steps they are."""
    from tensorboard.backend.event_processing import event_accumulator

    every = dict.fromkeys(event_accumulator.DEFAULT_SIZE_GUIDANCE, 0)
    return event_accumulator.EventAccumulator(
        str(folder), size_guidance=every, purge_orphaned_data=False
    ).Reload()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return what TensorBoard reads: steps and values by folder and name, times left out."""
    from tensorboard.util.tensor_util import make_ndarray

    found = {}
    for part in ("train", "validation"):
        events = events_of(folder / part)
        for tag in events.Tags()["scalars"]:
            found[f"{part}/{tag}"] = [(e.step, e.value) for e in events.Scalars(tag)]
        for tag in events.Tags()["tensors"]:
            if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                found[f"{part}/{tag}"] = [
                    (e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)
                ]
    return found


@pytest.mark.parametrize(
    "options",
    [{}, {"update_freq": "batch"}, {"update_freq": 3}, {"write_steps_per_second": True,
     "update_freq": 2}],
)  # fmt: skip
def test_tensorboard_has_the_scalars_that_keras_writes(
    options: dict[str, Any], tmp_path: Path
) -> None:
    theirs = keras.callbacks.TensorBoard(str(tmp_path / "keras"), write_graph=False, **options)
    ours, run = TensorBoard("ours", **options), support.Run(tmp_path, rate=0.25)
    model = support.keras_model()
    model.optimizer.learning_rate.assign(0.25)
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, logs in enumerate(EPOCHS):
        theirs.on_epoch_begin(epoch)
        ours.on_epoch_begin(run, epoch)
        for batch in range(4):
            running = {"loss": 10.0 * epoch + batch, "accuracy": 0.5}
            theirs.on_train_batch_begin(batch)
            model.optimizer.iterations.assign_add(1)
            run.step = int(model.optimizer.iterations)
            theirs.on_train_batch_end(batch, running)
            ours.on_batch_end(run, batch, running)
        tested = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
        theirs.on_test_begin()
        theirs.on_test_end(tested)
        ours.on_test_begin(run)
        ours.on_test_end(run, tested)
        theirs.on_epoch_end(epoch, dict(logs))
        ours.on_epoch_end(run, epoch, dict(logs))
    theirs.on_train_end()
    ours.on_train_end(run, {})
    wanted, got = scalars(tmp_path / "keras"), scalars(tmp_path / "ours")
    assert set(got) == set(wanted)
    if options.get("update_freq") == 3:  # Keras leaves the first two epochs out
        got = {k: v[2:] if "epoch_" in k else v for k, v in got.items()}
    for name in wanted:
        assert [step for step, _ in got[name]] == [step for step, _ in wanted[name]], name
        if "per_second" not in name:
            pairs = zip(got[name], wanted[name], strict=True)
            assert all(np.isclose(a[1], b[1], rtol=1e-6, equal_nan=True) for a, b in pairs), name


def test_tensorboard_histograms(tmp_path: Path) -> None:
    run, ours = support.Run(tmp_path), TensorBoard(histogram_freq=2)
    epochs(ours, run, EPOCHS)
    ours.on_train_end(run, {})
    events = events_of(tmp_path / "logs" / "train")
    assert events.Tags()["histograms"] == ["weight/histogram", "bias/histogram"]
    assert [e.step for e in events.Histograms("bias/histogram")] == [0, 2]


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    """A server that keeps what it is sent."""
    seen: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    running = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", seen
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor_sends_what_keras_sends(
    as_json: bool, server: tuple[str, list[Any]], tmp_path: Path
) -> None:
    root, seen = server
    options = {"root": root, "path": "/here", "field": "f", "headers": {"X-Key": "1"}}
    keras.callbacks.RemoteMonitor(**options, send_as_json=as_json).on_epoch_end(3, EPOCHS[0])
    ours = RemoteMonitor(**options, send_as_json=as_json)
    ours.on_epoch_end(support.Run(tmp_path), 3, EPOCHS[0])
    theirs, mine = ([*parts[:3], parts[3] if as_json else parse_qs(parts[3])] for parts in seen)
    assert mine[:3] == theirs[:3]
    assert _loose(mine[3]) == _loose(theirs[3])


def _loose(body: Any) -> Any:
    return body.replace(" ", "") if isinstance(body, str) else body


def test_a_server_that_is_not_there_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = RemoteMonitor("http://127.0.0.1:9")  # nobody listens at "discard"
    ours.on_epoch_end(support.Run(tmp_path), 0, EPOCHS[0])
    assert "does not take the figures" in capsys.readouterr().out


LAST = re.compile(
    r"Epoch [12]/2  40/40  \S+  \S+/step  loss 0\.3333  accuracy 0\.5000  val_loss 2e-05  "
    r"learning_rate 0\.001"
)


def show(steps: int | None, verbose: int, run: Any) -> None:
    shown = Progress(2, steps, verbose)
    shown.interval = 0
    for epoch in range(2):
        shown.on_epoch_begin(run, epoch)
        for batch in range(40):
            shown.on_batch_end(run, batch, {"accuracy": 0.5, "loss": 1 / (batch + 1)})
            if batch == 20:
                say(run, "A sentence.")
        shown.on_test_begin(run)
        logs = {"accuracy": 0.5, "loss": 1 / 3, "val_loss": 2e-5, "learning_rate": 1e-3}
        shown.on_epoch_end(run, epoch, logs)


def shown_in_terminal(
    steps: int | None, verbose: int, run: Any, columns: int = 100, encoding: str = "utf-8"
) -> tuple[list[str], list[str]]:
    """Return the lines that stand on a terminal in the end, and all that was drawn before."""
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, columns))
    parts: list[bytes] = []
    reader = threading.Thread(target=lambda: parts.extend(_read(main)))
    reader.start()
    with os.fdopen(terminal, "w", encoding=encoding) as out, contextlib.redirect_stdout(out):
        show(steps, verbose, run)
    reader.join()
    os.close(main)
    text = b"".join(parts).decode(encoding).replace("\r\n", "\n")
    screen = [line.split("\r\033[K") for line in text.split("\n")]
    return [line[-1] for line in screen if line[-1]], [p for line in screen for p in line[:-1]]


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            return
        yield part


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("steps", [40, None])
@pytest.mark.parametrize("columns", [30, 80, 200])
def test_in_a_terminal_a_line_for_each_epoch_remains(
    steps: int | None, columns: int, encoding: str, tmp_path: Path
) -> None:
    lines, drawn = shown_in_terminal(steps, 1, support.Run(tmp_path), columns, encoding)
    assert lines[0] == lines[2] == "A sentence."
    assert LAST.fullmatch(lines[1])
    assert LAST.fullmatch(lines[3])
    assert len(lines) == 4
    assert len(drawn) > 80
    assert all(len(line) < columns for line in drawn)
    assert all("loss 0.0" in line for line in drawn[30:40])
    bars = encoding == "utf-8" and columns > 40
    assert any("━" in line for line in drawn) == bars


@pytest.mark.parametrize("verbose", [1, 2])
def test_without_a_terminal_a_plain_line_for_each_epoch(
    verbose: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(40, verbose, support.Run(tmp_path))
    text = capsys.readouterr().out
    assert "\r" not in text
    assert "\033" not in text
    assert [bool(LAST.fullmatch(line)) for line in text.splitlines()] == [False, True] * 2


def test_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = support.Run(tmp_path)
    show(40, 0, run)
    assert capsys.readouterr().out.splitlines() == ["A sentence."] * 2
    run.is_main = False
    show(40, 1, run)
    assert capsys.readouterr().out == ""


def test_verbose_2_draws_nothing_in_a_terminal(tmp_path: Path) -> None:
    lines, drawn = shown_in_terminal(40, 2, support.Run(tmp_path))
    assert [bool(LAST.fullmatch(line)) for line in lines] == [False, True] * 2
    assert not any(drawn)


def test_times_and_figures_as_people_say_them() -> None:
    times = [duration(s) for s in (2e-5, 0.0123, 4.24, 61, 187.4, 3765, 7)]
    assert times == ["20us", "12ms", "4.2s", "1:01", "3:07", "1:02:45", "7s"]
    logs = {
        "learning_rate": 5e-4,
        "val_loss": float("nan"),
        "b": 0.0,
        "loss": 12345.678,
        "a": -1e-9,
    }
    assert figures(logs) == [
        "loss 12345.6780", "a -1e-09", "b 0.0000", "val_loss nan", "learning_rate 0.0005",
    ]  # fmt: skip
