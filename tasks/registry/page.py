"""What was published, as people see it. Pure."""

from __future__ import annotations

from tasks.registry.app_contents import AppArchive
from tasks.reports.figures import counted, size
from tasks.reports.markdown import plain, table
from tasks.reports.moments import moment_of
from tasks.values import Manifest

DIGEST = 16
"""Hexadecimal digits of a hash that a page shows; the manifest has them all."""


def bundle_page(manifest: Manifest, address: str) -> str:
    """Where a version came from, and its files.

    Args:
        manifest: Of the bundle.
        address: Its prefix in S3.
    """
    chosen = ", ".join(
        f"{name} {value}" for name, value in sorted(manifest.hyperparameters.items())
    )
    facts = [
        ("made", moment_of(manifest.created)),
        ("training job", f"`{manifest.training_job}`"),
        ("learned from", f"`{manifest.snapshot}`"),
        ("contract", f"{plain(manifest.contract)} {plain(manifest.contract_version)}"),
        ("hyperparameters", plain(chosen)),
        ("code", f"`{manifest.code_hash[:DIGEST]}`"),
        ("lies in", f"`{address}`"),
        ("manifest", f"`{address}manifest.json`"),
    ]
    files = [(plain(f.path), size(f.size), f"`{f.sha256[:DIGEST]}`") for f in manifest.files]
    whole = size(sum(f.size for f in manifest.files))
    return "\n\n".join(
        (
            f"# Bundle `{manifest.model}/{manifest.version}`",
            table(("what", "value"), facts),
            f"## {counted(len(manifest.files), 'file')}, {whole}",
            table(("file", "size", "SHA-256"), files, numeric=(1,)),
        )
    )


def app_page(made: AppArchive, address: str) -> str:
    """What an app's archive holds, and where it lies."""
    rows = [
        (f"`{part.model}`", f"`{part.version}`", ", ".join(part.formats), size(part.size))
        for part in made.models
    ]
    facts = [
        ("lies in", f"`{address}`"),
        ("size", size(made.size)),
        ("SHA-256", f"`{made.sha256}`"),
    ]
    left = [(f"`{model}`", plain(why)) for model, why in sorted(made.left_out.items())]
    return "\n\n".join(
        (
            f"# {counted(len(made.models), 'model')} for an app",
            table(("what", "value"), facts),
            table(("model", "version", "formats", "size"), rows, numeric=(3,)),
            *(("## Left out", table(("model", "why"), left)) if left else ()),
        )
    )
