import tensorflow as tf
from tensorflow.keras import layers


def small_network(sizes, rate, name=None):
    parts = []
    for size in sizes:
        parts.append(layers.BatchNormalization())
        parts.append(layers.Dropout(rate))
        parts.append(layers.Dense(size, activation=tf.nn.gelu))
    return tf.keras.Sequential(parts, name=name)


class NeighbourLayer(layers.Layer):
    def __init__(self, sizes, rate=0.1, reduce="mean", join="concat", unit=False, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.reduce = reduce
        self.join = join
        self.unit = unit
        self.speak = small_network(sizes, rate, name="speak")
        self.listen = small_network(sizes, rate)

    def gather_messages(self, targets, messages, count):
        if self.reduce == "sum":
            return tf.math.unsorted_segment_sum(messages, targets, num_segments=count)
        elif self.reduce == "mean":
            return tf.math.unsorted_segment_mean(messages, targets, num_segments=count)
        elif self.reduce == "max":
            return tf.math.unsorted_segment_max(messages, targets, num_segments=count)
        raise ValueError(f"cannot reduce by {self.reduce}")

    def call(self, inputs):
        """inputs: states of the nodes, pairs of node numbers (2, edges), weights of the edges."""
        nodes, edges, weights = inputs
        targets, sources = edges[0], edges[1]
        messages = self.speak(tf.gather(nodes, sources))
        if weights is not None:
            messages = messages * tf.expand_dims(weights, -1)
        heard = self.gather_messages(targets, messages, nodes.shape[0])
        both = tf.concat([nodes, heard], axis=1) if self.join == "concat" else nodes + heard
        result = self.listen(both)
        if self.unit:
            result = tf.nn.l2_normalize(result, axis=-1)
        return result
