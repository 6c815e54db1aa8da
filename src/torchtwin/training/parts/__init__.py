"""What train.py is made of: tested here as ordinary code, copied into the output."""
