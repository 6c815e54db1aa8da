import tensorflow as tf
from tensorflow.keras import layers


class WordsAndPlaces(layers.Layer):
    def __init__(self, steps, vocab, width, **kwargs):
        super().__init__(**kwargs)
        self.words = layers.Embedding(input_dim=vocab, output_dim=width)
        self.places = layers.Embedding(input_dim=steps, output_dim=width)
        self.steps = steps
        self.vocab = vocab
        self.width = width

    def call(self, inputs):
        count = tf.shape(inputs)[-1]
        where = tf.range(start=0, limit=count, delta=1)
        scale = tf.math.sqrt(tf.cast(self.width, self.compute_dtype))
        return self.words(inputs) * scale + self.places(where)

    def compute_mask(self, inputs, mask=None):
        return tf.math.not_equal(inputs, 0)

    def get_config(self):
        return dict(super().get_config(), steps=self.steps, vocab=self.vocab, width=self.width)
