"""A job's code unpacked, and its model and output packed."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.archives import ArchiveError, unpack
from embedded_aws.jobs.objects import fetch_object, store
from embedded_aws.jobs.places import DownloadError, split
from embedded_aws.training.layout import Host


def unpack_code(s3: Any, uri: str, folder: Path) -> None:
    """Extract the source archive.

    Raises:
        DownloadError: when it is not there, or no archive.
    """
    bucket, key = split(uri)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archive = Path(scratch) / "sourcedir.tar.gz"
        fetch_object(s3, bucket, key, archive)
        unpack_brought(archive, uri, folder)


def unpack_brought(archive: Path, place: str, folder: Path) -> None:
    """Extract a source archive that is here already.

    Raises:
        DownloadError: when it is not there, or no archive; ``place`` is what the job calls it.
    """
    try:
        with archive.open("rb") as file:
            unpack(file, folder)
    except (ArchiveError, OSError) as error:
        raise DownloadError(f'Source archive "{place}" cannot be unpacked: {error}') from error


def pack(folders: Iterable[Path], archive: Path) -> bool:
    """Put the content of several folders into one tar.gz; where names meet, the first wins.

    Returns:
        Whether there was anything to pack.
    """
    names: set[str] = set()
    with tarfile.open(archive, "w:gz", compresslevel=3) as tar:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                if name not in names:
                    names.add(name)
                    # A file with two names is two files: archives hold no links.
                    tar.dereference = not path.is_symlink()
                    tar.add(path, name, recursive=False)
    return bool(names)


def store_artifacts(s3: Any, request: Mapping[str, Any], hosts: Sequence[Host]) -> str:
    """Upload ``model.tar.gz`` and, when there is any, ``output.tar.gz`` of all hosts together.

    Returns:
        ``S3ModelArtifacts``.

    Raises:
        UploadError: with what S3 said.
    """
    config = request["OutputDataConfig"]
    under = config.get("KmsKeyId", "")
    place = f"{config['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    with tempfile.TemporaryDirectory(dir=hosts[0].base) as scratch:
        if config.get("CompressionType") == "NONE":
            artifacts = f"{place}/model/"
            for path in sorted(p for host in hosts for p in host.model.rglob("*") if p.is_file()):
                host = next(h for h in hosts if path.is_relative_to(h.model))
                store(s3, path, artifacts + path.relative_to(host.model).as_posix(), under)
        else:
            artifacts = f"{place}/model.tar.gz"
            archive = Path(scratch) / "model.tar.gz"
            pack([host.model for host in hosts], archive)
            store(s3, archive, artifacts, under)
        output = Path(scratch) / "output.tar.gz"
        if pack([host.output_data for host in hosts], output):
            store(s3, output, f"{place}/output.tar.gz", under)
    return artifacts
