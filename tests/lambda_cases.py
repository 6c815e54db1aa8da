"""Lambda layers as people write them, with the shapes of their inputs without the batch."""

from __future__ import annotations

import math

import keras
import tensorflow as tf
import tf_keras
from keras import ops

K = tf_keras.backend
np = None  # the Lambdas below that use numpy do so for plain numbers alone

ONE = {
    (5,): [
        lambda x: x / 255.0,
        lambda x: 1 - x,
        lambda x: -(x**2),
        lambda x: x[:, None],
        lambda x: x[:, ::-1],
        lambda x: K.l2_normalize(x, axis=1),
        lambda x: K.l2_normalize(x),
        lambda x: K.expand_dims(x),
        lambda x: K.expand_dims(x, 1),
        lambda x: K.repeat(x, 3),
        lambda x: tf.zeros((tf.shape(x)[0], 2)) + x[:, :2],
        lambda x: tf.one_hot(tf.cast(x * 3, "int32"), 5),
        lambda x: tf.gather(x, [2, 0], axis=1),
        lambda x: tf.math.argmax(x, axis=-1),
        lambda x: K.argmax(x),
        lambda x: tf.tile(x, [1, 2]),
        lambda x: tf.pad(x, [[0, 0], [1, 2]]),
        lambda x: tf.math.log(tf.maximum(x, 1e-3)),
        lambda x: tf.math.divide_no_nan(x, x - x[:, :1]),
        lambda x: x + tf.ones_like(x) * math.pi,
        lambda x: tf.range(5, dtype="float32") + x,
        lambda x: tf.reduce_sum(x, axis=-1),
        lambda x: K.dot(x, K.transpose(x)),
        lambda x: x[:, :1] * math.sqrt(2) if len(x.shape) == 2 and x.shape[1] > 3 else x,
        lambda x: K.hard_sigmoid(x),
        lambda x: K.switch(K.greater(x, 0.5), x, x * 0.1),
        lambda x: tf.fill([tf.shape(x)[0], 2], 0.5) * x[:, :2],
        lambda x: K.sqrt(x),
        lambda x: (lambda y: y * 2)(x) + 1,
    ],
    (3, 4): [
        lambda x: x[:, -1, :],
        lambda x: x[:, 1:3],
        lambda x: x[..., ::2],
        lambda x: tf.math.l2_normalize(x, -1),
        lambda x: tf.nn.l2_normalize(x, axis=[1, 2]),
        lambda x: K.mean(x, axis=1, keepdims=True),
        lambda x: K.mean(x, axis=[1, 2]),
        lambda x: K.std(x, axis=1),
        lambda x: tf.reduce_max(x, 1),
        lambda x: tf.math.reduce_sum(input_tensor=x, axis=1, keepdims=True),
        lambda x: K.reshape(x, (-1, K.int_shape(x)[1] * 4)),
        lambda x: tf.reshape(x, [tf.shape(x)[0], -1, 2]),
        lambda x: tf.reshape(x, [tf.shape(x)[0], 12]),
        lambda x: tf.stack([x[:, k] for k in range(3)], axis=1),
        lambda x: x @ tf.transpose(x, (0, 2, 1)),
        lambda x: tf.concat([x, x[:, :1]], 1),
        lambda x: K.concatenate([K.max(x, axis=1), K.min(x, axis=1)]),
        lambda x: K.softmax(x, axis=1),
        lambda x: K.permute_dimensions(x, (0, 2, 1)),
        lambda x: K.repeat_elements(x, 2, axis=1),
        lambda x: K.clip(x, 0.1, 0.9),
        lambda x: K.relu(x, max_value=6),
        lambda x: K.relu(x, alpha=0.1),
        lambda x: tf.nn.leaky_relu(x),
        lambda x: tf.nn.gelu(x),
        lambda x: tf.norm(x, axis=1, keepdims=True),
        lambda x: tf.where(x > 0, x, tf.zeros_like(x)),
        lambda x: tf.split(x, 2, axis=2)[0] * tf.split(x, [1, 3], axis=-1)[0],
        lambda x: x - [1.0, 2.0, 3.0, 4.0],
        lambda x: x * tf.constant([1.0, 2.0, 3.0, 4.0]),
        lambda x: tf.linalg.matmul(x, x, transpose_b=True),
        lambda x: tf.einsum("bij,bkj->bik", x, x),
        lambda x: x[:, tf.newaxis],
        lambda x: K.reverse(x, 1),
        lambda x: K.flatten(x),
        lambda x: K.batch_flatten(x),
        lambda x: K.cumsum(x, axis=1),
        lambda x: tf.keras.backend.sum(x, axis=1),
        lambda x: sum([x[:, k] for k in range(x.shape[1])]) / x.get_shape().as_list()[1],
        lambda x: ops.mean(x, axis=1),
        lambda x: keras.ops.softmax(x * 2, axis=-1),
        lambda x: ops.concatenate([x, ops.zeros_like(x)], axis=-1),
        lambda x: ops.reshape(x, (ops.shape(x)[0], ops.shape(x)[1] * 4)),
        lambda x: ops.normalize(x, axis=-1),
        lambda x: ops.normalize(x * 1e-9, axis=-1),
        lambda x: ops.norm(x, axis=-1),
        lambda x: ops.where(x > 0, x, 0.1 * x),
        lambda x: ops.take(x, 0, axis=1),
        lambda x: ops.gelu(x),
        lambda x: keras.activations.relu(x),
    ],
    (4, 4, 8): [
        lambda x: x[..., ::-1],
        lambda x: tf.reduce_mean(x, axis=[1, 2]),
        lambda x: tf.image.resize(x, (8, 6)),
        lambda x: tf.image.resize(x, [8, 8], method="nearest"),
        lambda x: ops.image.resize(x, (2, 2), interpolation="bilinear"),
        lambda x: K.resize_images(x, 2, 2, "channels_last"),
        lambda x: tf.nn.depth_to_space(x, 2),
        lambda x: tf.nn.space_to_depth(x, 2),
        lambda x: tf.compat.v1.image.resize_bilinear(x, (7, 7), align_corners=True),
        lambda x: tf.nn.local_response_normalization(x, depth_radius=2, alpha=0.3, beta=0.75),
        lambda x: tf.image.flip_left_right(x) + tf.image.flip_up_down(x),
        lambda x: (
            (x - tf.nn.moments(x, [1, 2], keepdims=True)[0]) / tf.nn.moments(x, 3)[1][..., None]
        ),
        lambda x: tf.slice(x, [0, 1, 0, 2], [-1, 2, -1, 3]),
        lambda x: tf.cast(x, tf.float32) / 127.5 - 1.0,
        lambda x: x[:, 1:-1, 1:-1] - K.mean(x, axis=(1, 2), keepdims=True),
    ],
}

SEVERAL = [
    ([(3,), (3,)], lambda x: x[0] * x[1]),
    ([(3,), (3,)], lambda t: K.abs(t[0] - t[1])),
    ([(3,), (3,)], lambda x: sum(x) / len(x)),
    ([(4,), (4,)], lambda x: K.batch_dot(x[0], x[1], axes=1)),
    ([(3, 4), (5, 4)], lambda x: K.batch_dot(x[0], x[1], axes=[2, 2])),
    ([(3, 4), (4, 5)], lambda x: K.batch_dot(x[0], x[1])),
    (
        [(4,), (4,)],
        lambda v: K.sqrt(
            K.maximum(K.sum(K.square(v[0] - v[1]), axis=1, keepdims=True), K.epsilon())
        ),
    ),
    ([(3, 4), (4,)], lambda x: x[0] * K.expand_dims(x[1], 1)),
]
