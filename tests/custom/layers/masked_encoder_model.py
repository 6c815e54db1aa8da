import keras
from keras import layers


class Reader(keras.Model):
    """Embedding makes a mask, which LSTM and pooling use without a word."""

    def __init__(self, vocab, width, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(vocab, width, mask_zero=True)
        self.lstm = layers.LSTM(width, return_sequences=True)
        self.gru = layers.GRU(width)
        self.pool = layers.GlobalAveragePooling1D()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        x = self.embedding(inputs)
        x = self.lstm(x)
        return self.dense(self.gru(x)) + self.dense(self.pool(x))
