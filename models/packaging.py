"""The source archive of a model: what SageMaker unpacks and runs, and nothing besides.

Only what a model reaches goes into its archive and therefore into its code hash: its entry points,
its task, input and backend, its own files, and what these import. A new family changes no other
model's hash, and retrains nobody.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from models.runtime.family import FAMILY, Family, module_of

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = "models.runtime"
ROOTS = ("models",)
TRAIN, MEASURE, ENTRY_POINT = "sluice_train.py", "sluice_measure.py", "entry_point.py"
PROGRAMS: Mapping[str, str] = {
    TRAIN: f"{RUNTIME}.train",
    ENTRY_POINT: f"{RUNTIME}.entry_point",
}
"""Files at the root of the archive that SageMaker starts, and the modules that they are."""
NOT_CODE = frozenset({"model.yaml", "README.md"})
"""Files of a model's folder whose change must not ask for a new training."""


class ModelCodeMissing(Exception):
    """A model's folder holds a file that the archive must write itself."""


def own_files(model_dir: Path) -> frozenset[str]:
    """Paths below a model's folder that go into the archive, beside the runtime."""
    return frozenset(
        path.relative_to(model_dir).as_posix()
        for path in model_dir.rglob("*")
        if path.is_file()
        and path.name not in NOT_CODE
        and not any(
            part.startswith((".", "__pycache__")) for part in path.relative_to(model_dir).parts
        )
    )


def source_files(model_dir: Path, family: Family) -> dict[str, bytes]:
    """Files of the archive by path.

    Entry points and the model's own files lie at the root, what they reach of the runtime in the
    package ``models.runtime``.

    Raises:
        ModelCodeMissing: an own file bears the name of one of the archive's.
        UnknownPlugIn: the family names a plug-in that does not exist.
    """
    own = {path: (model_dir / path).read_bytes() for path in own_files(model_dir)}
    clashes = sorted(
        path for path in own if path in {*PROGRAMS, FAMILY} or path.startswith("models/")
    )
    if clashes:
        raise ModelCodeMissing(
            f"{model_dir / clashes[0]} bears the name of a file that the archive writes itself"
        )
    plug_ins = [
        module_of(kind, name)
        for kind, name in (
            ("tasks", family.task),
            ("inputs", family.input),
            ("backends", family.backend),
        )
    ]
    sources = [content for path, content in own.items() if path.endswith(".py")]
    named = family.new_backend().modules(family.task_class, family.input_class)
    begin = {*PROGRAMS.values(), *plug_ins, *named, *_imported_by(sources, ROOTS)}
    files = {**carried_files(frozenset(begin)), **own, FAMILY: family.to_json().encode()}
    files |= {name: _read(module) for name, module in PROGRAMS.items()}
    return dict(sorted(files.items()))


def measuring_files() -> dict[str, bytes]:
    """Files of the job that lets a bundle measure itself: no model's code at all."""
    module = f"{RUNTIME}.measure"
    return {**carried_files(frozenset({module})), MEASURE: _read(module)}


def packed(files: Mapping[str, bytes]) -> bytes:
    """``sourcedir.tar.gz``: the same bytes for the same code, on any machine at any time."""
    archive_bytes = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive_bytes, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return archive_bytes.getvalue()


def hash_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 (64 hex digits) over paths and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def carried_files(begin: frozenset[str], roots: tuple[str, ...] = ROOTS) -> dict[str, bytes]:
    """Files by path of modules, the packages that hold them, and everything that they import.

    Args:
        begin: The modules.
        roots: Packages whose modules are brought; all others are the container's.
    """
    modules: set[str] = set()
    waiting = set(begin)
    while waiting:
        module = waiting.pop()
        if module in modules:
            continue
        modules.add(module)
        parents = module.split(".")
        waiting |= {".".join(parents[:depth]) for depth in range(1, len(parents))} - modules
        waiting |= set(_imports(_path(module), roots)) - modules
    return {_path(module).relative_to(ROOT).as_posix(): _read(module) for module in sorted(modules)}


@lru_cache(maxsize=512)
def _imports(path: Path, roots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_imported_by([path.read_bytes()], roots))


def _imported_by(sources: list[bytes], roots: tuple[str, ...]) -> Iterator[str]:
    """Modules of the roots that sources import, inside functions too."""
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue  # an own file that is no Python is told where the model is checked
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            yield from (name for name in names if _exists(name, roots))


def _exists(module: str, roots: tuple[str, ...]) -> bool:
    return module.split(".", maxsplit=1)[0] in roots and _path(module).is_file()


def _path(module: str) -> Path:
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _read(module: str) -> bytes:
    return _path(module).read_bytes()
