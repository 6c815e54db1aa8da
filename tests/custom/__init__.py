"""Keras code in the styles that people write, and how it is run beside its translation."""
