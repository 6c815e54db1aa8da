"""Reads the bytecode of a Lambda as data, and writes it as Python source again."""
