import tensorflow as tf
from tensorflow.keras import layers


class ThreeDistances(layers.Layer):
    """How far the anchor is from a friend and from a stranger."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, anchor, friend, stranger):
        near = tf.reduce_sum(tf.square(anchor - friend), -1)
        far = tf.reduce_sum(tf.square(anchor - stranger), -1)
        return (near, far)
