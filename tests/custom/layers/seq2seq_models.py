import keras
from keras import layers


class Encoder(keras.Model):
    def __init__(self, vocab, width, units):
        super().__init__()
        self.embedding = layers.Embedding(vocab, width)
        self.gru = layers.GRU(units, return_sequences=True, return_state=True,
                              recurrent_initializer="glorot_uniform")

    def call(self, x):
        x = self.embedding(x)
        output, state = self.gru(x)
        return output, state


class Decoder(keras.Model):
    def __init__(self, vocab, width, units):
        super().__init__()
        self.embedding = layers.Embedding(vocab, width)
        self.lstm = layers.LSTM(units, return_sequences=True, return_state=True)
        self.fc = layers.Dense(vocab)

    def call(self, x, state):
        x = self.embedding(x)
        x, h, c = self.lstm(x, initial_state=[state, state])
        return self.fc(x), h + c


class Seq2Seq(keras.Model):
    """A model of models."""

    def __init__(self, vocab=7, width=3, units=4):
        super().__init__()
        self.encoder = Encoder(vocab, width, units)
        self.decoder = Decoder(vocab, width, units)

    def call(self, inputs):
        source, target = inputs
        _, state = self.encoder(source)
        logits, _ = self.decoder(target, state)
        return logits
