"""``python -m benchmarks.security.planted``: secrets planted around a whole demo, and looked for.

The demo retrains, releases, rolls back and watches. It runs here with secrets in its environment
(one of them passed on to flows on purpose), in files of its home, and those that the stack makes
for itself. Then everything that it wrote is read: the lake, the registry and the work bucket of the
embedded AWS, its database, logs and jobs, Prefect's database (parameters, logs, pages, events), the
caches. Archives are opened, tables decoded, and each secret looked for as it is, in base64, in hex
and as it stands in addresses and JSON. The exit status is 1 when one is found.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = "credentials"
"""The folder in which the stack's own secrets belong."""
DEEPEST = 4
SHOWN = 20
IN_THE_ENVIRONMENT = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABASE_PASSWORD", "GITHUB_TOKEN",
    "OPENAI_API_KEY", "PREFECT_API_KEY", "SLUICE_UNKNOWN_SETTING",
)  # fmt: skip
PASSED_ON = "LICENCE_KEY_OF_OWN_CODE"
IN_FILES = {
    ".aws/credentials": "[default]\naws_access_key_id = AKIAPLANTED\naws_secret_access_key = {}\n",
    ".netrc": "machine example.com login ann password {}\n",
    ".config/pip/pip.conf": "[global]\nindex-url-password = {}\n",
    ".pgpass": "localhost:5432:prefect:ann:{}\n",
    ".ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n",
}


class PlantedSecret(NamedTuple):
    """A secret, and what it is for people."""

    name: str
    text: str


class FoundSecret(NamedTuple):
    """Where a secret stands: which one, as what, in which object."""

    name: str
    form: str
    place: str


@dataclass
class Search:
    """Looks for secrets, and counts what was read."""

    planted: Sequence[PlantedSecret]
    files: int = 0
    size: int = 0
    opened: Counter[str] = field(default_factory=Counter)
    found: list[FoundSecret] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._forms = [
            (secret.name, form, needle)
            for secret in self.planted
            for form, needle in forms(secret.text)
        ]

    def folder(self, root: Path, leave_out: Sequence[str] = ()) -> None:
        """Everything below a folder; ``leave_out`` names folders directly below it."""
        for path in sorted(root.rglob("*")):
            inner = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and inner.parts[0] not in leave_out:
                self.body(str(inner), path.read_bytes())

    def body(self, place: str, data: bytes) -> None:
        """One object."""
        self.files += 1
        self.size += len(data)
        self._within(place, data, 0)

    def _within(self, place: str, data: bytes, depth: int) -> None:
        for name, form, needle in self._forms:
            if needle in data:
                self.found.append(FoundSecret(name, form, place))
        if depth < DEEPEST:
            for kind, inner_place, inner in _inside(place, data):
                self.opened[kind] += 1
                self._within(inner_place, inner, depth + 1)


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """How a secret may be written."""
    raw = text.encode()
    yield "text", raw
    yield "hex", raw.hex().encode()
    for offset in range(3):  # wherever it begins in a longer text
        coded = base64.b64encode(b"\0" * offset + raw)
        inner = coded[4 if offset else 0 : len(coded) // 4 * 4 - 4]
        yield "base64", inner
        yield "base64", inner.translate(bytes.maketrans(b"+/", b"-_"))
    for form, written in (
        ("an address", urllib.parse.quote(text, safe="")),
        ("JSON", json.dumps(text)[1:-1]),
    ):
        if written != text:
            yield form, written.encode()


def _inside(place: str, data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """What an object holds that its own bytes do not show; nothing when it cannot be opened."""
    try:
        if data[:2] == b"\x1f\x8b":
            unfolded = gzip.decompress(data)
            yield "gzip", f"{place} (unfolded)", unfolded
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for entry in archive.infolist():
                    yield "zip", f"{place}!{entry.filename}", archive.read(entry)
        elif data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as archive_of_files:
                for member in archive_of_files:
                    file = archive_of_files.extractfile(member)
                    if file is not None:
                        yield "tar", f"{place}!{member.name}", file.read()
        elif data[:4] == b"PAR1":
            yield "Parquet", f"{place} (rows)", _rows(data)
    except (OSError, ValueError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile):
        return


def _rows(data: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(data))
    lines = (json.dumps(row, default=str) for row in table.to_pylist())
    return "\n".join(lines).encode()


def own_secrets(state: Path) -> list[PlantedSecret]:
    """What a stack has made for itself."""
    found = []
    for path in sorted((state / CREDENTIALS).iterdir()):
        if path.name.endswith(".pub.pem"):
            continue
        lines = [line for line in path.read_text("utf-8").splitlines() if "-----" not in line]
        name = f"{CREDENTIALS}/{path.name}"
        # The last part: a user's name before a password is no secret.
        found += [PlantedSecret(name, line.rpartition(":")[2]) for line in lines if len(line) > 12]
    return found


def plant(home: Path) -> tuple[dict[str, str], list[PlantedSecret]]:
    """Secrets in an environment and in files of a home; the environment, and all of them."""
    planted, variables = [], {"HOME": str(home), "SLUICE_PASSED_VARIABLES": PASSED_ON}
    for name in (*IN_THE_ENVIRONMENT, PASSED_ON):
        variables[name] = _fresh()
        planted.append(PlantedSecret(f"${name}", variables[name]))
    variables["DATABASE_URL"] = f"postgresql://ann:{_fresh()}@localhost/prefect"
    planted.append(PlantedSecret("$DATABASE_URL", variables["DATABASE_URL"][17:-18]))
    for name, form in IN_FILES.items():
        text = _fresh()
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(form.format(text), "utf-8")
        path.chmod(0o600)
        planted.append(PlantedSecret(f"~/{name}", text))
    return variables, planted


def _fresh() -> str:
    """Random, with signs that addresses and JSON write otherwise."""
    return f'Pl4nted/{secrets.token_hex(16)}+"é'


def _demo(state: Path, variables: Mapping[str, str]) -> int:
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):  # beside a stack that runs already
        ports = {
            "SLUICE_AWS_PORT": str(one.getsockname()[1]),
            "SLUICE_PREFECT_PORT": str(other.getsockname()[1]),
        }
    environment = {**own, **variables, **ports, "SLUICE_STATE": str(state), "DEMO_EXIT": "1"}
    command = [sys.executable, "-m", "deployments.demo"]
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode


def tell(search: Search) -> None:
    """Print what was read and what was found."""
    opened = ", ".join(f"{count:,} {kind}" for kind, count in search.opened.most_common())
    print(f"\n{search.files:,} objects read ({search.size / 1e6:,.0f} MB); opened: {opened}.")
    print("\n| secret | found |\n|---|---:|")
    found = Counter(item.name for item in search.found)
    for name in dict.fromkeys(secret.name for secret in search.planted):
        print(f"| {name} | {found[name]} |")
    for item in search.found[:SHOWN]:
        print(f"\n**{item.name}** as {item.form} in {item.place}")


def main() -> int:
    """Exit status: 1 when a secret was found, or the demo failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.security.planted", description=__doc__
    )
    parser.add_argument(
        "--state",
        type=Path,
        help="look through what a stack has left there for the stack's own secrets; no demo is run",
    )
    chosen = parser.parse_args()
    print(
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{datetime.now(UTC):%Y-%m-%d}."
    )
    if chosen.state:
        search = Search(own_secrets(chosen.state))
        search.folder(chosen.state, (CREDENTIALS,))
        tell(search)
        return int(bool(search.found))
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        home, state = Path(scratch, "home"), Path(scratch, "state")
        variables, planted = plant(home)
        began = time.monotonic()
        status = _demo(state, variables)
        print(f"\nThe demo ended with {status} after {time.monotonic() - began:.0f} s.")
        state = state / "demo"  # where the demo keeps what is its own
        search = Search([*planted, *own_secrets(state)])
        search.folder(state, (CREDENTIALS,))
        tell(search)
    return int(bool(search.found) or status != 0)


if __name__ == "__main__":
    sys.exit(main())
