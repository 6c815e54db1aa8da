import keras
import numpy as np
from keras import layers

num_tags, num_words, num_teams = 6, 40, 4

title_input = keras.Input(shape=(None,), name="title")
tags_input = keras.Input(shape=(num_tags,), name="tags")

title_vector = layers.Embedding(num_words, 8)(title_input)
# the title as one vector
title_vector = layers.LSTM(8)(title_vector)

# all that is known, side by side
x = layers.concatenate([title_vector, tags_input])

urgency_pred = layers.Dense(1, name="urgency")(x)
team_pred = layers.Dense(num_teams, name="team")(x)

model = keras.Model(
    inputs=[title_input, tags_input],
    outputs={"urgency": urgency_pred, "team": team_pred},
)
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={
        "urgency": keras.losses.BinaryCrossentropy(from_logits=True),
        "team": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"urgency": 1.0, "team": 0.2},
    metrics={"team": ["accuracy"]},
)

rng = np.random.default_rng(15)
title_data = rng.integers(num_words, size=(64, 5))
tags_data = rng.integers(2, size=(64, num_tags)).astype("float32")
urgency_targets = rng.integers(0, 2, size=(64, 1)).astype("float32")
team_targets = keras.utils.to_categorical(rng.integers(0, num_teams, 64), num_teams)

history = model.fit(
    {"title": title_data, "tags": tags_data},
    {"urgency": urgency_targets, "team": team_targets},
    epochs=2,
    batch_size=16,
)
