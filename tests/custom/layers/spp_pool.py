import keras
from keras import ops


class SpatialPyramidPooling(keras.layers.Layer):
    def __init__(self, pool_list=(1, 2), **kwargs):
        super().__init__(**kwargs)
        self.pool_list = pool_list

    def call(self, x):
        rows, cols = x.shape[1], x.shape[2]
        outputs = []
        for n in self.pool_list:
            for jy in range(n):
                for ix in range(n):
                    y1, y2 = int(round(jy * rows / n)), int(round((jy + 1) * rows / n))
                    x1, x2 = int(round(ix * cols / n)), int(round((ix + 1) * cols / n))
                    crop = x[:, y1:y2, x1:x2, :]
                    outputs.append(ops.max(crop, axis=(1, 2)))
        return ops.concatenate(outputs, axis=1)
