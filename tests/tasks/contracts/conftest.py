"""A lake in a folder: objects by key, pulled already."""

import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tasks.contracts.odcs import contract_of, load_contract
from tasks.contracts.validation import validate_snapshot
from tasks.lake.formats import LocalReader
from tasks.values import LakeObject, Snapshot, fingerprint

CONTRACTS = Path(__file__).parents[3] / "data_contracts"


@dataclass
class Lake:
    """Objects of one data set."""

    folder: Path
    dataset: str = "things"
    prefix: str = ""
    paths: dict = field(default_factory=dict)
    objects: list = field(default_factory=list)

    def put(self, name: str, body: bytes, day: date = date(2024, 3, 1)) -> str:
        prefix = self.prefix or f"raw/{self.dataset}/"
        key = f"{prefix}year={day:%Y}/month={day:%m}/day={day:%d}/{name}"
        path = self.folder / f"object-{len(self.objects)}"
        path.write_bytes(body)
        self.paths[key] = path
        etag = fingerprint(body.hex())[:32]
        self.objects.append(
            LakeObject(key=key, version_id="v1", etag=etag, size=len(body), day=day)
        )
        return key

    def csv(self, name: str, rows: list, columns: list, day: date = date(2024, 3, 1)) -> str:
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        return self.put(name, gzip.compress(("\n".join(lines) + "\n").encode()), day)

    def jsonl(self, name: str, records: list, day: date = date(2024, 3, 1)) -> str:
        return self.put(name, "".join(f"{json.dumps(r)}\n" for r in records).encode(), day)

    def parquet(self, name: str, table, day: date = date(2024, 3, 1)) -> str:
        import pyarrow.parquet as pq

        out = io.BytesIO()
        pq.write_table(table, out)
        return self.put(name, out.getvalue(), day)

    def snapshot(self, end: date | None = None) -> Snapshot:
        days = [item.day for item in self.objects] or [date(2024, 3, 1)]
        return Snapshot(
            dataset=self.dataset,
            bucket="lake",
            start=min(days),
            end=end or max(days),
            objects=tuple(self.objects),
            fingerprint=fingerprint([(item.key, item.etag) for item in self.objects]),
        )


@pytest.fixture
def lake(tmp_path):
    """An empty lake; ``lake.dataset`` may be set."""
    folder = tmp_path / "pulled"
    folder.mkdir()
    return Lake(folder)


class Judge:
    """Judges a lake's snapshot; the report's files lie in ``out``."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def __call__(self, contract, lake, end=None, **more):
        more.setdefault("read", LocalReader())
        return validate_snapshot(contract, lake.snapshot(end), lake.paths, self.out, **more)

    def quarantined(self) -> list:
        found = []
        for path in sorted((self.out / "quarantine").glob("rows-*.jsonl")):
            found += map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return found

    def reasons(self) -> dict:
        """Check ids by row number."""
        return {
            line["row"]: sorted(reason["check"] for reason in line["reasons"])
            for line in self.quarantined()
        }

    def good(self):
        import pandas as pd

        parts = [pd.read_parquet(path) for path in sorted((self.out / "good").glob("*.parquet"))]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


@pytest.fixture
def judge(tmp_path):
    return Judge(tmp_path / "out")


@pytest.fixture
def written():
    """A contract of this repository by its data set."""
    return lambda dataset: load_contract(dataset, CONTRACTS)


def document(properties, dataset="things", form="csv", limit=0.5, **more):
    """A small ODCS document."""
    table = {"name": dataset, "properties": properties} | more.pop("table", {})
    custom = [{"property": "quarantineLimit", "value": limit}, *more.pop("custom", [])]
    return {
        "version": "1.0.0",
        "kind": "DataContract",
        "apiVersion": "v3.2.0",
        "id": dataset,
        "status": "active",
        "team": {"members": [{"username": "somebody", "role": "owner"}]},
        "servers": [
            {
                "server": "lake",
                "type": "s3",
                "location": f"s3://lake/raw/{dataset}/",
                "format": form,
            }
        ],
        "schema": [table],
        "customProperties": custom,
    } | more


@pytest.fixture
def contract():
    """Make a small contract: ``contract([{...column}, …], limit=…)``."""
    return lambda properties, dataset="things", **more: contract_of(
        document(properties, dataset, **more), dataset, "test"
    )


@pytest.fixture
def odcs():
    """Make a small ODCS document."""
    return document


def photo(seed):
    """A made-up room, 96 × 96, different for each seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 96), tuple(map(int, rng.integers(0, 255, 3))))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, width, height = map(int, rng.integers(5, 60, 4))
        colour = tuple(map(int, rng.integers(0, 255, 3)))
        draw.rectangle((x, y, x + width, y + height), fill=colour)
    return image


def taken(image, quality=92):
    """The JPEG file of an image as a phone writes it: with device and place."""
    exif = Image.Exif()
    exif[0x010F] = "Maker of cameras"
    exif[0x8825] = {1: "N", 2: (47.0, 36.0, 22.0), 3: "W", 4: (122.0, 19.0, 55.0)}
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


@pytest.fixture
def room():
    return photo


@pytest.fixture
def stored():
    return taken
