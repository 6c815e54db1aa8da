"""Words to numbers, as the Tokenizer of keras.preprocessing.text."""

from __future__ import annotations

import collections

import numpy as np


def words_of(input_text, filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', lower=True, split=" "):
    """Return the words of a text, in lower case and without punctuation."""
    text = input_text.lower() if lower else input_text
    return [
        w for w in text.translate(str.maketrans(dict.fromkeys(filters, split))).split(split) if w
    ]


class Tokenizer:
    """Numbers words by how frequent they are: the most frequent is 1, or 2 behind `oov_token`."""

    def __init__(
        self,
        num_words=None,
        filters='!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n',
        lower=True,
        split=" ",
        char_level=False,
        oov_token=None,
        analyzer=None,
    ):
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts = collections.OrderedDict()
        self.word_docs = collections.defaultdict(int)
        self.index_docs = collections.defaultdict(int)
        self.word_index, self.index_word, self.document_count = {}, {}, 0

    def words(self, text):
        """Return the words, or characters, of a text; a list is one of words already."""
        if isinstance(text, list):
            return [word.lower() for word in text] if self.lower else text
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return self.analyzer(text)
        return words_of(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts):
        """Count the words of texts, and number them anew."""
        for text in texts:
            self.document_count += 1
            words = self.words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        order = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        order = order if self.oov_token is None else [self.oov_token, *order]
        self.word_index = {word: number for number, word in enumerate(order, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def texts_to_sequences(self, texts):
        """Return the numbers of the words that are known and frequent enough."""
        most, other = self.num_words, self.word_index.get(self.oov_token)
        sequences = []
        for text in texts:
            numbers = [self.word_index.get(word) for word in self.words(text)]
            known = [other if n is None or (most and n >= most) else n for n in numbers]
            sequences.append([number for number in known if number is not None])
        return sequences

    def sequences_to_texts(self, sequences):
        """Return the words of the numbers."""
        most, texts = self.num_words, []
        for sequence in sequences:
            words = [
                self.oov_token if n not in self.index_word or (most and n >= most)
                else self.index_word[n] for n in sequence
            ]  # fmt: skip
            texts.append(" ".join(word for word in words if word is not None))
        return texts

    def texts_to_matrix(self, texts, mode="binary"):
        """Return a row for each text with a number for each word, see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """Return which words there are, their "count" or "freq", or their "tfidf"."""
        rows = np.zeros((len(sequences), self.num_words or len(self.word_index) + 1))
        for row, sequence in zip(rows, sequences, strict=True):
            counts = collections.Counter(n for n in sequence if n < len(row))
            for number, count in counts.items():
                if mode == "tfidf":
                    documents = 1 + self.index_docs.get(number, 0)
                    inverse = np.log(1 + self.document_count / documents)
                    row[number] = (1 + np.log(count)) * inverse
                else:
                    row[number] = {"binary": 1, "count": count, "freq": count / len(sequence)}[mode]
        return rows
