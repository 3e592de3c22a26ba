"""``python -m deployments.laptop up|down|status|env``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time

from deployments.laptop.environment import personal
from deployments.laptop.processes import StackError
from deployments.laptop.stack import down, from_record, laptop_from_environment, running, up


def main() -> int:
    """Exit status 0 when what was asked for holds."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.laptop", description="The stack on this machine."
    )
    parser.add_argument(
        "verb",
        choices=("up", "down", "status", "env"),
        help="up: start and leave running; down: end; status: what runs; env: variables to export",
    )
    verb = parser.parse_args().verb
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"» {time.monotonic() - begun:5.1f} s  {line}", flush=True)

    try:
        laptop = laptop_from_environment()
        if verb == "up":
            laptop = up(laptop, say)
            print(
                f"\n  Prefect UI      {laptop.prefect_url}\n"
                f"  embedded AWS    {laptop.aws_url}\n"
                f"  client reports  {laptop.collector_url}\n"
                f'  your shell      eval "$(.venv/bin/python -m deployments.laptop env)"\n'
                f"  to end it       make down\n"
            )
        elif verb == "down":
            down(laptop, say)
        elif verb == "env":
            variables = from_record(laptop).variables()
            for name in sorted(personal(os.environ) - set(variables)):
                print(f"unset {name}")
            for name, value in variables.items():
                print(f"export {name}={shlex.quote(value)}")
        else:
            processes = running(laptop)
            for process in processes:
                print(f"{process.name:<16} process {process.pid}")
            if not processes:
                print("Nothing is running. Next: make up.")
                return 1
            print(f"Prefect UI       {from_record(laptop).prefect_url}")
            print(f"client reports   {laptop.collector_url}")
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what was started has been ended.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
