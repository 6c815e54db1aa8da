"""Hypothesis draws Keras programs: what a layer is given, and small graphs of layers."""
