"""``python -m deployments.laptop up|down|status|env``."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time

from deployments.laptop.environment import Laptop, personal
from deployments.laptop.processes import StackError
from deployments.laptop.stack import (
    down,
    from_record,
    held,
    laptop_from_environment,
    status,
    up,
)


def main() -> int:
    """Exit status 0 when what was asked for holds."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.laptop", description="The stack on this machine."
    )
    parser.add_argument(
        "verb",
        choices=("up", "down", "status", "env", "clean"),
        help="up: start what is missing and leave it running; down: end, and keep what it holds; "
        "status: how each part is; env: variables to export; clean: end, and remove all state",
    )
    verb = parser.parse_args().verb
    start = time.monotonic()

    def say(line: str) -> None:
        try:
            print(f"» {time.monotonic() - start:5.1f} s  {line}", flush=True)
        except BrokenPipeError:  # `make down | head`: what was begun is finished all the same
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    try:
        laptop = laptop_from_environment()
        if verb == "up":
            laptop = up(laptop, say)
            print(
                f"\n  Prefect UI      {laptop.prefect_url}\n"
                f"  its password    {laptop.shows_password}\n"
                f"  embedded AWS    {laptop.aws_url}\n"
                f"  client reports  {laptop.collector_url}\n"
                f'  your shell      eval "$(.venv/bin/python -m deployments.laptop env)"\n'
                f"  to end it       make down\n"
            )
        elif verb == "down":
            down(laptop, say)
            _tell_what_is_held(laptop)
        elif verb == "clean":
            down(laptop, say)
            _clean(laptop)
        elif verb == "env":
            variables = from_record(laptop).variables()
            for name in sorted(personal(os.environ) - set(variables)):
                print(f"unset {name}")
            for name, value in variables.items():
                print(f"export {name}={shlex.quote(value)}")
        else:
            return _tell_status(laptop)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what was started has been ended.", file=sys.stderr)
        return 130
    return 0


def _tell_status(laptop: Laptop) -> int:
    parts, laptop = status(laptop)
    if all(part.state == "missing" for part in parts):
        print("Nothing is running. Next: make up.")
        _tell_what_is_held(laptop)
        return 1
    for part in parts:
        process = f"  process {part.pid}" if part.pid else ""
        print(f"{part.name:<16} {part.state}{process}")
    print(f"Prefect UI       {laptop.prefect_url}")
    print(f"its password     {laptop.shows_password}")
    print(f"embedded AWS     {laptop.aws_url}")
    print(f"client reports   {laptop.collector_url}")
    ill = [part.name for part in parts if not part.well]
    if ill:
        print(f"Not well: {', '.join(ill)}. Next: make up starts it again and keeps the rest.")
        print(f"Logs: {', '.join(str(laptop.log(name)) for name in ill)}")
    return 1 if ill else 0


def _tell_what_is_held(laptop: Laptop) -> None:
    folders = held(laptop.state)
    if folders:
        print(f"\n  Kept in {laptop.state} (make up goes on with it, make clean removes it):")
    for folder, size in folders:
        print(f"    {folder.name:<10} {size / 1e6:10.1f} MB")


def _clean(laptop: Laptop) -> None:
    """Remove the state folder: the only thing that deletes anything."""
    if not laptop.state.exists():
        print(f"There is no {laptop.state}.")
        return
    for folder, size in held(laptop.state):
        print(f"  removing {folder} ({size / 1e6:.1f} MB)")
    shutil.rmtree(laptop.state)
    print(f"  removed {laptop.state}")


if __name__ == "__main__":
    raise SystemExit(main())
