"""``python -m deployments.supply_chain sbom|licences|audit``: what Sluice is made of."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.supply_chain import audit, tools
from deployments.supply_chain.accepted import FILE, accepted
from deployments.supply_chain.licences import licensed, markdown

BILLS = {"python.cdx.json": tools.python_bill, "javascript.cdx.json": tools.javascript_bill}
LIST = FILE.relative_to(tools.ROOT)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m deployments.supply_chain",
        description="What Sluice is made of, under which licences, and what is known against it.",
    )
    acts = root.add_subparsers(dest="act", required=True)
    for name, about in (
        ("sbom", "write bills of materials (CycloneDX)"),
        ("licences", "the licences of everything in the bills; fails when one is not accepted"),
    ):
        act = acts.add_parser(name, help=about)
        act.add_argument(
            "--folder", type=Path, help="where the bills lie (default: .sluice/supply-chain)"
        )
    looked = acts.add_parser("audit", help="ask the indexes what is known against the locks")
    looked.add_argument(
        "--where-answered",
        action="store_true",
        help="an index that does not answer is told, and no failure",
    )
    return root


def write_bills(folder: Path) -> list[Path]:
    """Write all bills of materials.

    Raises:
        subprocess.CalledProcessError: a tool failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in BILLS.items():
        print(f"» {folder / name}", flush=True)
        write(folder / name)
    return [folder / name for name in BILLS]


def components(bills: list[Path]) -> list[dict[str, Any]]:
    """Every component of some bills."""
    return [item for bill in bills for item in json.loads(bill.read_text("utf-8"))["components"]]


def tell_licences(folder: Path) -> int:
    """Print the table; 1 when a licence is not accepted."""
    found = licensed(components(write_bills(folder)), accepted().licences)
    print(markdown(found), end="")
    refused = [item for item in found if not item.accepted]
    for item in refused:
        shown = item.licence or "no licence that its metadata tell"
        print(f"{item.name} {item.version} is under {shown}.", file=sys.stderr)
    if refused:
        print(f"Next: replace it, or say in {LIST} why it is accepted.", file=sys.stderr)
    return int(bool(refused))


def tell_audit(*, where_answered: bool) -> int:
    """Print what is known; 1 when something is open, or nobody answered and somebody must."""
    answers = (tools.python_answer(), tools.javascript_answer())
    silent = False
    for answer in answers:
        if not answer.answered:
            silent = True
            why = answer.silence or "it knows none of the packages"
            print(f"{answer.lock}: the index did not answer ({why}): nothing was looked up.")
            continue
        print(f"{answer.lock}: {answer.asked - len(answer.unanswered)} packages looked up.")
        if answer.unanswered:
            print(f"{answer.lock}: not looked up: {', '.join(answer.unanswered)}.")
    verdict = audit.judged(answers, accepted().vulnerabilities, datetime.now(UTC).date())
    for known in verdict.open:
        print(f"{known.told()}.", file=sys.stderr)
    for entry in verdict.expired:
        print(f"{entry.package} {entry.id} was accepted until {entry.until}.", file=sys.stderr)
    for entry in verdict.stale:
        print(f"{entry.package} {entry.id} is known no more: take it out of {LIST}.")
    if verdict.open or verdict.expired:
        print(
            f'Next: make lock ARGS="--upgrade-package <package>", or say in {LIST} why it does no '
            "harm here, and until when.",
            file=sys.stderr,
        )
        return 1
    return int(silent and not where_answered)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when nothing is to be done."""
    asked = parser().parse_args(arguments)
    if asked.act == "audit":
        return tell_audit(where_answered=asked.where_answered)
    folder = asked.folder or Path(os.environ.get("SLUICE_STATE", ".sluice")) / "supply-chain"
    try:
        if asked.act == "licences":
            return tell_licences(folder)
        write_bills(folder)
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} failed: {error.stderr.strip()[-500:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
