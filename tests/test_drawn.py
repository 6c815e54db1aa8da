"""The layers that drawn/check.py draws, a few hundred that are always the same."""

from on_tensorflow import run_checks


def test_layers_with_drawn_arguments() -> None:
    run_checks("drawn/check.py", "-k", "layers")
