"""Keras's operations on tensors as PyTorch expressions, for graphs that call them."""
