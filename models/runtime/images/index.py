"""The index of a channel's pictures, and the names that its rows bear in every job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INDEX = "labels.jsonl"


def listed(channel: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Each picture that an index of the channel names: its row's name, its file, its entry.

    A line is ``{"file": "<path beside labels.jsonl>", "<label>": …}``, optionally with an ``id``,
    which then is the name.
    """
    for index in sorted(channel.rglob(INDEX)):
        for line in index.read_text(encoding="utf-8").splitlines():
            if line.strip():
                entry = json.loads(line)
                path = index.parent / entry["file"]
                name = entry.get("id", path.relative_to(channel).as_posix())
                yield str(name), path, entry
