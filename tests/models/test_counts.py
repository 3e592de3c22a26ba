"""scikit-learn is given ids as counts, beside numbers as they are."""

import numpy as np

from models.runtime.backends.sklearn import matrix
from models.runtime.signature import Signature, Tensor

IDS = np.array([[2, 2, 1, 0], [0, 0, 0, 0]], dtype=np.int32)
NUMBERS = np.array([[0.5], [1.5]], dtype=np.float32)


def test_ids_become_counts_without_their_padding():
    signature = Signature((Tensor("words", (1, 4), "int32", 4), Tensor("size", (1, 1))), ())
    made = matrix({"words": IDS, "size": NUMBERS}, signature)
    assert made.toarray().tolist() == [[0, 1, 2, 0, 0.5], [0, 0, 0, 0, 1.5]]


def test_without_ids_the_matrix_is_dense():
    made = matrix({"size": NUMBERS}, Signature((Tensor("size", (1, 1)),), ()))
    assert made.dtype == np.float64
    assert made.tolist() == NUMBERS.tolist()
