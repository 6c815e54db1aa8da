"""Fills a PyTorch module with the weights of the Keras layer that it was translated from."""
