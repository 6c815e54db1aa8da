"""How a model trains: what `compile` was given, as pieces of train.py.

The modules here decide; what they decide for is ordinary code in `parts/`, copied into train.py
where it is needed.
"""
