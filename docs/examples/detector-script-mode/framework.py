"""Stands in for a framework: a module with parameters that are saved and loaded."""

import io
import json

import numpy as np
from PIL import Image

SIDE = 16


class Module:
    """Finds on a photo what the most alike one of its training shows."""

    def __init__(self, tensors, objects):
        self.tensors, self.objects = tensors, objects

    def __call__(self, batch):
        """Objects of each photo, from tensors [n, 3 · side²]."""
        answers = []
        for tensor in batch:
            distances = np.sqrt(((self.tensors - tensor) ** 2).mean(axis=1))
            nearest = int(distances.argmin())
            score = float(np.exp(-10 * distances[nearest]))
            answers.append([found | {"confidence": score} for found in self.objects[nearest]])
        return answers


def tensor(data):
    """The bytes of a photo as numbers from 0 to 1 [3 · side²]."""
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32).reshape(-1) / 255


def save(module, path):
    """Write the parameters."""
    with path.open("wb") as file:
        np.savez(file, tensors=module.tensors, objects=json.dumps(module.objects))


def load(path):
    """Read them again."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as read:
        return Module(read["tensors"], json.loads(str(read["objects"])))
