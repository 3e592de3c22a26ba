"""Make a candidate that passes every gate and fails in production, for rehearsals.

``python -m deployments.demo.sabotage price-estimator errors`` publishes a new version: the serving
one's model, metrics and edge formats, with a server that misbehaves towards real requests. Its
offline evidence is true, so nothing but the canary can find out.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Literal, get_args

from models.runtime.archives.reading import members
from tasks.errors import VersionUnknown
from tasks.registry.registry import Registry
from tasks.values import fingerprint

Mode = Literal["errors", "slow", "wrong"]
SETTINGS = "sabotage.json"
PROGRAM = "sabotage.py"
"""Serves in place of the bundle's entry point, which goes on measuring the truth."""

SERVER = '''"""A server that misbehaves: written by deployments/demo/sabotage.py for a rehearsal."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from models.runtime.own import CODE_DIR
from models.runtime.serving.app import Model, main

HOW = json.loads((Path(__file__).parent / "sabotage.json").read_text(encoding="utf-8"))


class Misbehaving(Model):
    """The health check stays green: only real requests are treated badly."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._asked = 0
        self._chance = random.Random(0)

    def predict(self, instances: list[Any]) -> tuple[list[Any], list[float]]:
        if instances == [self.example]:
            return super().predict(instances)
        self._asked += 1
        if self._asked > HOW["after"]:
            if HOW["mode"] == "errors" and self._chance.random() < HOW["share"]:
                raise RuntimeError("sabotage: this request fails")
            if HOW["mode"] == "slow":
                time.sleep(HOW["seconds"])
        answered, scores = super().predict(instances)
        if self._asked > HOW["after"] and HOW["mode"] == "wrong":
            answered = [wrong(answer) for answer in answered]
            scores = [score * HOW["factor"] for score in scores]
        return answered, scores


def wrong(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {**answer, "scores": answer["scores"][::-1], "confidence": min(answer["scores"])}
    return answer * HOW["factor"]


if __name__ == "__main__":
    sys.exit(main(CODE_DIR.parent, Misbehaving))
'''


def sabotaged(
    model_tar: bytes,
    mode: Mode,
    *,
    share: float = 0.2,
    seconds: float = 0.15,
    factor: float = 1.5,
    after: int = 0,
) -> bytes:
    """A model.tar.gz with the same model and a server that misbehaves.

    Args:
        model_tar: The good archive.
        mode: ``errors`` fails a share of the requests, ``slow`` answers late, ``wrong`` answers
            something else.
        share: Share of the requests that fail, 0 to 1.
        seconds: How late an answer comes.
        factor: By what a number is multiplied.
        after: How many real requests are treated well first.
    """
    how = {"mode": mode, "share": share, "seconds": seconds, "factor": factor, "after": after}
    extras = {f"code/{PROGRAM}": SERVER.encode(), f"code/{SETTINGS}": json.dumps(how).encode()}
    archive = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as bad,
    ):
        for member in members(io.BytesIO(model_tar)):
            if not member.folder and member.path not in extras:
                _add(bad, member.path, member.read())
        for name, content in extras.items():
            _add(bad, name, content)
    return archive.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))


def publish_sabotaged(model: str, mode: Mode, registry: Registry, after: int = 0) -> str:
    """Publish a sabotaged copy of the version that serves; returns the new version.

    Raises:
        VersionUnknown: nothing serves yet.
    """
    pointer = registry.pointer(model)
    if pointer is None:
        raise VersionUnknown(
            f"No version of {model} serves, so there is nothing to sabotage.",
            "Train and release the model first.",
        )
    good = registry.manifest(model, pointer.version)
    now = time.time()
    identity = fingerprint(["sabotage", good.identity, mode, now])
    version = registry.claim_version(model, now, identity)
    files: dict[str, Path | str] = {
        file.path: registry.file_url(model, good.version, file.path)
        for file in good.files
        if file.path != "manifest.json"
    }
    with tempfile.TemporaryDirectory(prefix="sluice-sabotage-") as folder:
        bad = Path(folder) / "model.tar.gz"
        content = registry.read_file(model, good.version, "model.tar.gz")
        bad.write_bytes(sabotaged(content, mode, after=after))
        files["model.tar.gz"] = bad
        registry.publish(
            good.model_copy(
                update={
                    "version": version,
                    "identity": identity,
                    "program": PROGRAM,
                    "files": (),
                }
            ),
            files,
        )
    return version


def main() -> None:
    """Publish a sabotaged candidate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("mode", choices=get_args(Mode))
    parser.add_argument("--after", type=int, default=0, help="requests that are treated well")
    options = parser.parse_args()
    version = publish_sabotaged(options.model, options.mode, Registry.here(), options.after)
    print(f"{options.model} {version} passes its gates and fails in production ({options.mode})")


if __name__ == "__main__":
    main()
