"""What a Lambda layer's function computes: its source evaluated over tensors, as PyTorch."""
