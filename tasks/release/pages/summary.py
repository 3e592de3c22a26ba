"""What serves now, what served before, and how to undo it: what is read first. Pure."""

from __future__ import annotations

from tasks.reports.pages import summary_page
from tasks.values import Pointer


def page(
    model: str, outcome: str, pointer: Pointer | None, back: str | None, where: str = ""
) -> str:
    """The whole page.

    Args:
        model: Which model.
        outcome: How the run ended, in a sentence or two.
        pointer: What the registry says serves.
        back: The version that a rollback without a name puts back.
        where: Who answers users, e.g. the endpoint's name.
    """
    facts: list[tuple[str, object]] = [("this run", outcome)]
    if pointer is None:
        facts += [("serves now", "nothing"), ("previous version", "none")]
        return summary_page(f"{model}: nothing serves", facts, "Release a version that comes up.")
    facts.append(("serves now", pointer.version + (f", on {where}" if where else "")))
    if pointer.rollout is not None:
        shown = f"{pointer.rollout.version} to {pointer.rollout.percent} % of the users"
        facts.append(("shown besides", shown))
    moved = "put back" if pointer.rollback else "since"
    facts.append((moved, f"{pointer.timestamp}, {pointer.actor}: {pointer.reason}"))
    facts.append(("previous version", back or "none: this is the only one that may serve"))
    facts.append(("to undo", undo(model, back)))
    text = summary_page(f"{model}: {pointer.version} serves", facts)
    return text if back is None else f"{text}\n\nOr from a shell:\n\n{shell(model, back)}"


def undo(model: str, back: str | None) -> str:
    """Which button with which parameters puts the previous version back."""
    if back is None:
        return "there is no earlier version to go back to; release a good one with release/manual"
    return (
        f"**Deployments → rollback/manual → Run → Custom run**: model `{model}`, to_version "
        f"`{back}`, reason"
    )


def shell(model: str, back: str) -> str:
    """The same as a command, in a block of its own: a table would break its line."""
    command = (
        f"prefect deployment run 'rollback/manual' -p model={model} -p to_version={back} "
        "-p reason='<why>'"
    )
    return f"```bash\n{command}\n```"
