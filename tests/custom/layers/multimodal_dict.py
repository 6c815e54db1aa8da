import tensorflow as tf
from tensorflow import keras

layers = keras.layers


class Tabular(keras.Model):
    NUMERIC = ["a", "b"]

    def __init__(self, vocab: dict):
        super().__init__()
        self.embeddings = {}
        for key, size in vocab.items():
            self.embeddings[key] = layers.Embedding(size, 3)
        self.vocab = vocab
        self.bn = layers.BatchNormalization()
        self.deep = keras.Sequential([layers.Dense(6, "relu"), layers.Dense(4, "relu")], name="deep")
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, inputs, training=False):
        numeric = tf.stack([inputs[k] for k in self.NUMERIC], axis=-1)
        parts = [self.bn(numeric, training=training)]
        for key in self.vocab:
            parts.append(self.embeddings[key](inputs[key]))
        return self.out(self.deep(tf.concat(parts, axis=1)))
