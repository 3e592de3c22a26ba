"""An act in its container: ``python3 -m tasks.artefacts.program <inputs> <outputs>``.

The inputs are `ORDER`, files, and folders as archives; what the act leaves goes out as one archive.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from models.runtime.archives.bounds import ArchiveBounds
from models.runtime.archives.extraction import extract
from models.runtime.calling import BundleFailed
from tasks.artefacts.act import ArtefactAct, tell
from tasks.errors import ConversionError

ORDER, LEFT = "order.json", "left.tar.gz"
"""What is asked, beside the inputs; and what comes of it."""
FOLDER = ".folder.tar.gz"
"""How a folder's archive is called, after its name."""
OURS = ArchiveBounds(members=1_000_000, ratio=100_000)
"""Of folders that were packed here: their rows compress as they like."""


def main(arguments: list[str]) -> int:
    """Do the act that is asked for."""
    given, outputs = map(Path, arguments)
    asked = json.loads((given / ORDER).read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="act-") as scratch:
        inputs, out = _inputs(given, Path(scratch)), Path(scratch) / "out"
        out.mkdir()
        try:
            ArtefactAct(asked["name"], asked["module"]).do(inputs, out, asked["order"])
        except (BundleFailed, ConversionError) as error:
            tell(error, out)
        outputs.mkdir(parents=True, exist_ok=True)
        pack(out, outputs / LEFT)
    return 0


def pack(folder: Path, target: Path) -> None:
    """The files of a folder as one archive."""
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.add(path, path.relative_to(folder).as_posix())


def _inputs(given: Path, scratch: Path) -> dict[str, Path]:
    inputs = {}
    for path in sorted(given.iterdir()):
        if path.name.endswith(FOLDER):
            name = path.name.removesuffix(FOLDER)
            extract(path, scratch / name, OURS)
            inputs[name] = scratch / name
        elif path.name != ORDER:
            inputs[path.name] = path
    return inputs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
