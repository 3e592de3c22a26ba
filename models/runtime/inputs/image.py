"""Photos: JPEG, PNG or WebP, resized to the graph's input and scaled to -1 … 1."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime import spill
from models.runtime.images.index import INDEX, listed
from models.runtime.images.pictures import ADDRESS, decoded, pixels, unpacked
from models.runtime.input import Features, Floats, Input, InvalidFeature, Treated
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Tensor
from models.runtime.split import ChannelColumn, NoData

IMAGE = "image"
"""Name of the tensor."""
FILE = "file"
"""Column that names the photo."""
SIDE = 64
THUMBNAIL = 8
DECODED_TOGETHER = 4096
"""Photos that are waited for together; a million at once would cost a gigabyte of bookkeeping."""


class Image(Input):
    """Pixels of square pictures; the hyperparameter ``side`` says how many on each side.

    Only pixels are read: place and device from EXIF never reach the model.
    """

    formats: ClassVar[frozenset[str]] = frozenset({"images"})
    address: ClassVar[str] = ADDRESS
    networks: ClassVar[tuple[str, ...]] = ("convolutional",)
    draft_columns: ClassVar[tuple[ChannelColumn, ...]] = (
        ChannelColumn(FILE, "string", required=True),
    )

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__(spec)
        self._size = (int(spec["pixels"]["height"]), int(spec["pixels"]["width"]))
        self._scale = np.float32(spec["pixels"]["scale"])
        self._offset = np.float32(spec["pixels"]["offset"])

    @classmethod
    def schema(
        cls,
        _columns: Sequence[ChannelColumn],
        _label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Size and scale of the pixels."""
        if features:
            raise InvalidFeature(
                f"data.features: a picture is learned from its pixels, so {', '.join(features)} "
                "means nothing"
            )
        side = hyperparameters.integer("side", SIDE, least=8)
        return {
            "kind": "image",
            "pixels": {
                "height": side,
                "width": side,
                "scale": 1 / 127.5,
                "offset": -1.0,
                "resize": "bilinear",
                "order": "RGB",
            },
        }

    @classmethod
    def treated(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> Iterator[Treated]:
        """The photo, and what is said of it."""
        side = cls.schema(columns, label, features, hyperparameters)["pixels"]["width"]
        for column in columns:
            if column.name == FILE:
                yield Treated(FILE, f"pixels ({side}×{side})")
            elif column.name != label:
                yield Treated(column.name, "dropped (a photo is learned from its pixels)", False)

    def fit(
        self,
        _inputs: Arrays,
        features: Features | None,
        _hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Nothing is learned: the scale of pixels is known."""
        if features is not None:
            raise InvalidFeature("features() of model.py: a picture is learned from its pixels")
        return dict(self.spec)

    def read(
        self, channel: Path, label: str
    ) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]], list[Any]]:
        """All images that ``labels.jsonl`` files of a channel name."""
        entries = list(listed(channel))
        if not entries:
            raise NoData(f"{channel} holds no {INDEX} with a line in it.")
        pictures = spill.empty((len(entries), *self._size, 3), np.uint8)

        def decode(row: int) -> None:
            pictures[row] = pixels(entries[row][1].read_bytes(), self._size)[0]

        # Pillow lets go of the interpreter while it decodes.
        with ThreadPoolExecutor(os.cpu_count(), "decode") as pool:
            for part in spill.parts(len(entries), 1, DECODED_TOGETHER):
                for _ in pool.map(decode, range(part.start, part.stop)):
                    pass  # what a row raises is raised here
        labels = [entry.get(label) for _, _, entry in entries]
        return np.asarray([name for name, _, _ in entries]), {IMAGE: pictures}, labels

    def decode(self, instances: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """JSON instances → ``image`` uint8 [n, height, width, 3].

        An instance is ``{"b64": "<base64 of a JPEG, PNG or WebP>"}`` or nested lists of 0 … 255.
        Of one with an ``image_url`` the server has fetched ``b64`` before.
        """
        return {IMAGE: decoded(instances, self._size)}

    def unpacked(self, instances: Sequence[Any]) -> int:
        """Pixels of the encoded images, as their headers say."""
        return unpacked(instances, self._size)

    def instances(self, inputs: Arrays) -> list[Any]:
        """PNG as base64, which loses nothing."""
        from PIL import Image as Pillow

        instances = []
        for picture in inputs[IMAGE]:
            file = io.BytesIO()
            Pillow.fromarray(picture).save(file, "PNG")
            instances.append({"b64": base64.b64encode(file.getvalue()).decode("ascii")})
        return instances

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The pixels of one picture."""
        return (Tensor(IMAGE, (1, *self._size, 3)),)

    def transform(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """uint8 [n, height, width, 3] → float32 of the same shape, -1 … 1."""
        return {IMAGE: inputs[IMAGE].astype(np.float32) * self._scale + self._offset}

    def plain(self, inputs: Arrays) -> Floats:
        """8×8 thumbnails: what colour and layout alone tell."""
        rows = []
        for picture in inputs[IMAGE]:
            bands = np.array_split(picture.astype(np.float64), THUMBNAIL, axis=0)
            cells = [
                cell.mean(axis=(0, 1))
                for band in bands
                for cell in np.array_split(band, THUMBNAIL, 1)
            ]
            rows.append((np.concatenate(cells) - 128) / 64)
        return np.asarray(rows, dtype=np.float64)

    def example(self) -> list[list[list[int]]]:
        """A plain grey image."""
        return [[[128] * 3] * self._size[1]] * self._size[0]
