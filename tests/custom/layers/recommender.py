import keras
from keras import layers, ops


class Recommender(keras.Model):
    def __init__(self, users, items, size, **kwargs):
        super().__init__(**kwargs)
        self.user_vector = layers.Embedding(
            users, size, embeddings_initializer="he_normal", embeddings_regularizer=keras.regularizers.l2(1e-4)
        )
        self.user_bias = layers.Embedding(users, 1)
        self.item_vector = layers.Embedding(
            items, size, embeddings_initializer="he_normal", embeddings_regularizer=keras.regularizers.l2(1e-4)
        )
        self.item_bias = layers.Embedding(items, 1)

    def call(self, pairs):
        user, item = pairs[:, 0], pairs[:, 1]
        dot = ops.sum(self.user_vector(user) * self.item_vector(item), axis=1, keepdims=True)
        return ops.nn.sigmoid(dot + self.user_bias(user) + self.item_bias(item))
