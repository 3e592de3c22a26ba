"""The source archive of a model: what SageMaker unpacks and runs."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

PROGRAMS = Path(__file__).resolve().parent / "programs"
ENTRY_POINTS = ("train.py", "serve.py", "evaluate.py")
NOT_CODE = frozenset({"model.yaml", "README.md"})
"""Files of a model's folder whose change must not ask for a new training."""


class ModelCodeMissing(Exception):
    """A model's folder holds no code: neither a model.py nor a program of its own."""


def own_files(model_dir: Path) -> frozenset[str]:
    """Paths below a model's folder that go into the archive, in front of the shared programs."""
    return frozenset(
        path.relative_to(model_dir).as_posix()
        for path in model_dir.rglob("*")
        if path.is_file()
        and path.name not in NOT_CODE
        and not any(
            part.startswith((".", "__pycache__")) for part in path.relative_to(model_dir).parts
        )
    )


def source_files(model_dir: Path) -> dict[str, bytes]:
    """Files of the archive by path.

    Entry points and the model's own files lie at the root, the shared programs in the package
    ``models.programs``.

    Raises:
        ModelCodeMissing: the folder holds no code at all.
    """
    own = own_files(model_dir)
    if not any(path.endswith((".py", ".sh")) for path in own):
        raise ModelCodeMissing(
            f"{model_dir / 'model.py'} does not exist, and no program of its own stands beside it."
        )
    files = {
        f"models/programs/{path.relative_to(PROGRAMS).as_posix()}": path.read_bytes()
        for path in PROGRAMS.rglob("*.py")
    }
    files["models/__init__.py"] = (PROGRAMS.parent / "__init__.py").read_bytes()
    files |= {name: files[f"models/programs/{name}"] for name in ENTRY_POINTS}
    files |= {path: (model_dir / path).read_bytes() for path in own}
    return dict(sorted(files.items()))


def source_archive(model_dir: Path) -> bytes:
    """``sourcedir.tar.gz``: the same bytes for the same code, on any machine at any time."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in source_files(model_dir).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def code_hash(model_dir: Path) -> str:
    """SHA-256 (64 hex digits) over paths and contents of the archive."""
    digest = hashlib.sha256()
    for name, content in source_files(model_dir).items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
