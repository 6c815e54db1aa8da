"""A Sequential becomes an nn.Sequential with a line for each module, its comments kept."""

from __future__ import annotations

import pytest

import torchtwin

IMPORTS = "from keras import Input, Sequential\nfrom keras.layers import Dense, Flatten\n\n"
CASES = {
    "added one by one": (
        "model = Sequential()\n"
        "model.add(Dense(8, activation='relu'))  # hidden\n"
        "model.add(Dense(2, activation='softmax'))\n",
        ["nn.ReLU(),  # hidden", "nn.Softmax(dim=-1),"],
    ),
    "with comments": (
        "model = Sequential([\n"
        "    Input((3,)),  # numbers\n"
        "    # the head\n"
        "    Dense(2, activation='softmax'),  # classes\n"
        "    # the end\n"
        "    Flatten()  # flat\n"
        "])\n",
        ["# numbers", "# the head", "nn.Softmax(dim=-1),  # classes", "# the end", "# flat"],
    ),
    "aligned": (
        "model = Sequential([Dense(4, activation='relu'),\n                    Flatten()])\n",
        ["                    nn.ReLU(),\n                    nn.Flatten())\n"],
    ),
    "one line": (
        "model = Sequential([Dense(4, activation='relu'), Flatten()])\n",
        [", nn.ReLU(), nn.Flatten())\n"],
    ),
    "a tuple": ("model = Sequential((Flatten(),))\n", ["model = nn.Sequential(nn.Flatten())\n"]),
}


@pytest.mark.parametrize("case", CASES)
def test_layout_and_comments_are_kept(case: str) -> None:
    given, expected = CASES[case]
    translation = torchtwin.translate(IMPORTS + given)
    assert translation.unresolved == ()
    place = 0
    program = translation.source[translation.source.index("model = ") :]
    for text in expected:
        assert text in program[place:], program
        place = program.index(text, place) + len(text)
    lines = program.splitlines()
    assert all(line.startswith((" ", "model", ")")) for line in lines if line), program
