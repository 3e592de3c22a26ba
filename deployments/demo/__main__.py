"""``python -m deployments.demo``: the story; on a terminal the stack then stays up until Ctrl-C.

From a script, or with ``DEMO_EXIT=1``, it ends by itself, with status 0 only if every step was
verified.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from deployments.demo.outside import NotSo
from deployments.demo.report import Account
from deployments.demo.story import Story
from deployments.laptop.environment import Laptop
from deployments.laptop.processes import StackError
from deployments.laptop.stack import down, laptop_from_environment, stack

REPORT = Path("demo-report.json")
SCALE = 60.0
"""A minute of AWS's time in a second: a watch hour lasts a minute."""


def main() -> int:
    """Exit status 0 when the whole story was verified."""
    account = Account()
    # Nobody can press Ctrl-C where there is no terminal: a script would wait for ever.
    stays = os.environ.get("DEMO_EXIT") != "1" and sys.stdin.isatty() and sys.stdout.isatty()
    signal.signal(signal.SIGTERM, _interrupt)
    print(
        "Sluice retrains a model, lets it through its gates, and puts it before users drop by drop."
    )
    try:
        laptop = _blank(laptop_from_environment(SCALE))
        with account.step("The embedded AWS, a Prefect server and a worker are started"):
            running = stack(laptop, account.say)
            laptop = running.__enter__()
        try:
            print(f"\n  Watch it in the Prefect UI: {laptop.prefect_url}")
            print(f"  It asks for a password: {laptop.shows_password}\n", flush=True)
            success = _tell(Story(laptop, account))
            if stays and success:
                print(f"\n  All of it stands in the UI: {laptop.prefect_url}   (Ctrl-C ends it)")
                signal.pause()
        finally:
            running.__exit__(None, None, None)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        account.write(REPORT)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started has been ended.", file=sys.stderr)
        if account.write(REPORT) and stays:
            return 0
        return 130
    verified = account.write(REPORT)
    good = "verified" if verified else "NOT verified"
    print(f"\n{good}: {len(account.steps)} steps in {account.seconds:.0f} s; see {REPORT}")
    return 0 if verified else 1


def _tell(story: Story) -> bool:
    try:
        story.tell()
    except NotSo as error:
        print(f"\nThis does not hold: {error}", file=sys.stderr)
        return False
    return True


def _blank(laptop: Laptop) -> Laptop:
    """A stack of the story's own: it begins with an empty lake, and leaves `make up` alone."""
    own = replace(laptop, state=laptop.state / "demo")
    down(own, lambda _line: None)  # a story that was killed may have left its processes
    shutil.rmtree(own.state, ignore_errors=True)
    return own


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
