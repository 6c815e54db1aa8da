"""Functions as people write them in Lambda layers, for the tests of reading their bytecode."""

LAMBDAS = [
    "lambda x: x / 255.0",
    "lambda x: x / 127.5 - 1",
    "lambda x: -x",
    "lambda x: x ** 2",
    "lambda x: 1.0 - x",
    "lambda x: x[:, -1, :]",
    "lambda x: x[:, 0]",
    "lambda x: x[:, 1:3]",
    "lambda x: x[..., ::2]",
    "lambda x: x[:, None]",
    "lambda x: x[0] * x[1]",
    "lambda tensors: K.abs(tensors[0] - tensors[1])",
    "lambda x: K.l2_normalize(x, axis=1)",
    "lambda x: K.expand_dims(x, axis=-1)",
    "lambda x: K.mean(x, axis=1, keepdims=True)",
    "lambda x: K.sqrt(K.maximum(K.sum(K.square(x), axis=1), K.epsilon()))",
    "lambda x: tf.reduce_mean(x, axis=[1, 2])",
    "lambda x: tf.math.l2_normalize(x, -1)",
    "lambda x: tf.image.resize(x, (64, 64), method='bilinear')",
    "lambda x: tf.cast(x, tf.float32) / 255.0",
    "lambda x: ops.concatenate([x, ops.zeros_like(x)], axis=-1)",
    "lambda x: keras.ops.softmax(x * 2, axis=-1)",
    "lambda x: K.reshape(x, (-1, K.int_shape(x)[1] * 4))",
    "lambda x: tf.reshape(x, [tf.shape(x)[0], -1, 8])",
    "lambda x, k=3: x * k",
    "lambda x: x if x.shape[1] > 3 else x * 2",
    "lambda x: x * 2 if x.shape[1] > 3 and len(x.shape) == 2 else x",
    "lambda x: [K.mean(t) for t in x]",
    "lambda x: {'a': x, 'b': 2 * x}['a']",
    "lambda x: (x > 0) & (x <= 1)",
    "lambda x: tf.stack([x[:, k] for k in range(3)], axis=1)",
    "lambda x: tf.map_fn(lambda y: y + 1, x)",
    "lambda x: tf.concat([*x, x[0]], 1)",
    "lambda x: x @ tf.transpose(x, (0, 2, 1))",
    "lambda x: x is None or x",
    "lambda a, b, *rest, c=1, **more: f(a, *rest, c=c, **more)",
    "lambda x: 2 < x.shape[1] and x.shape[1] < 5",
    "lambda x: not x",
]

FUNCTIONS = [
    """def sampling(args):
    z_mean, z_log_var = args
    batch = K.shape(z_mean)[0]
    dim = K.int_shape(z_mean)[1]
    epsilon = K.random_normal(shape=(batch, dim), mean=0.0, stddev=1.0)
    return z_mean + K.exp(0.5 * z_log_var) * epsilon""",
    """def contrast(x, factor):
    mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    x = (x - mean) * factor + mean
    return tf.clip_by_value(x, 0.0, 1.0)""",
    """def inside(x):
    import tensorflow as tf
    from keras import backend as K
    import numpy.linalg as la
    return K.sum(tf.abs(x), axis=-1)""",
    """def repeated(x):
    for k in range(3):
        x = x + k
    return x""",
    """def chosen(x, training):
    if training:
        return x * 2
    scale = 3
    if x.shape[1] > 2:
        scale = 4
    return x * scale""",
    """def swapped(x):
    a = x[:, 0]
    b = x[:, 1]
    a, b = (b, a)
    return a - b""",
    """def unpacked(x):
    (a, b), c = x
    return a + b * c""",
    """def outer(x):

    def scaled(y):
        return y * 2
    return scaled(x) + scaled(x)""",
    """def gathered(xs):
    total = xs[0]
    for a in xs[1:]:
        total += a
    return total / len(xs)""",
]
