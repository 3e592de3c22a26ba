"""What became of an upload, as people see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.reports.markdown import plain, table
from tasks.reports.moments import moment_of

SIGNS = {"released": "✔", "refused": "✘", "rolled_back": "↩", "given_up": "⚠"}


def upload_page(model: str, version: str, address: str, state: str, reason: str, at: str) -> str:
    """The outcome, why, and where the artefact lies.

    Args:
        model: Whose artefact.
        version: As it was uploaded.
        address: Of the artefact.
        state: What became of it.
        reason: Why, in a sentence.
        at: When, in ISO 8601.
    """
    outcome = state.replace("_", " ")
    rows = [
        ("why", plain(reason)),
        ("artefact", f"`{address}`"),
        ("outcome beside it", f"`{address.rpartition('/')[0]}/outcome.json`"),
        ("when", moment_of(at)),
    ]
    return "\n\n".join(
        (
            f"# {SIGNS.get(state, '▸')} Upload {outcome}: `{model}/{version}`",
            table(("what", "value"), rows),
        )
    )


def dead_letters_page(aside: Sequence[tuple[str, str]]) -> str:
    """What could not be read: where it is kept, and why.

    Args:
        aside: Address and reason of each.
    """
    rows = [(f"`{where}`", plain(why)) for where, why in aside]
    return "\n\n".join(
        (
            f"# ⚠ {len(rows)} put aside: not readable",
            table(("kept at", "why"), rows),
            "Nothing else waits for them. Find out who sends to the uploads' queue or writes below "
            "`_uploads/`; an artefact that was meant is released by uploading it again.",
        )
    )
