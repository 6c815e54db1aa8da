import keras
from keras import ops


class TiedLanguageModel(keras.Model):
    def __init__(self, vocab, width):
        super().__init__()
        self.embed = keras.layers.Embedding(vocab, width)
        self.rnn = keras.layers.GRU(width, return_sequences=True)
        self.norm = keras.layers.LayerNormalization()

    def call(self, tokens):
        x = self.embed(tokens)
        x = self.norm(self.rnn(x))
        return ops.matmul(x, ops.transpose(self.embed.embeddings))
