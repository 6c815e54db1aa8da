"""Small models of keras.applications."""

from on_tensorflow import run_checks


def test_small_applications() -> None:
    run_checks("applications/check.py")
