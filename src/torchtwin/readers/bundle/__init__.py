"""TensorFlow's files, read without TensorFlow: checkpoints, and the protobufs of SavedModels.

A checkpoint is an index, which is a table of LevelDB's kind, and shards of raw data.
"""
