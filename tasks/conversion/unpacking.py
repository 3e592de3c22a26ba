"""What a conversion reads of a model.tar.gz."""

from __future__ import annotations

from pathlib import Path

from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.extraction import extract
from tasks.errors import ConversionError

READ = ("saved_model/", "preprocess.json")
"""Of a model.tar.gz: its programs are not even unpacked here."""


def unpack(model_tar: Path, folder: Path) -> None:
    """Unpack what a conversion reads of model.tar.gz.

    Raises:
        ConversionError: it is not let in, or a needed file is missing.
    """
    try:
        extract(model_tar, folder, only=READ)
    except ArchiveRefused as error:
        raise ConversionError(
            f"{model_tar} cannot be unpacked: {error.what}.", error.next_step
        ) from error
    except OSError as error:
        raise ConversionError(
            f"{model_tar} cannot be unpacked: {error}.",
            "Look at the training job's output, and at the disk.",
        ) from error
    for needed in ("saved_model/1/saved_model.pb", "preprocess.json"):
        if not (folder / needed).is_file():
            raise ConversionError(
                f"{model_tar} holds no {needed}.",
                "Let the training program write it; docs/models.md lists what a job leaves.",
            )
