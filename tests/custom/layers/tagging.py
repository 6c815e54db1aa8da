import keras
from keras import layers, ops


class Tagger(keras.Model):
    def __init__(self, tags, vocab, longest=8, width=6):
        super().__init__()
        self.words = layers.Embedding(vocab, width, mask_zero=True)
        self.places = layers.Embedding(longest, width)
        self.encoder = layers.Bidirectional(layers.LSTM(width - 1, return_sequences=True))
        self.drop = layers.Dropout(0.1)
        self.hidden = layers.Dense(width, activation="relu")
        self.tag = layers.Dense(tags, activation="softmax")

    def call(self, tokens, training=False):
        mask = ops.not_equal(tokens, 0)
        x = self.words(tokens) + self.places(ops.arange(tokens.shape[1]))
        x = self.encoder(x, mask=mask)
        x = self.hidden(self.drop(x, training=training))
        return self.tag(self.drop(x, training=training))
