"""``python -m deployments.ecs``: flows run as ECS tasks; repeatable."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deployments.ecs import pool
from tasks.errors import SluiceError
from tasks.settings import settings

VALUES = Path(__file__).with_name("pool.yaml")


def main(arguments: list[str] | None = None) -> int:
    """Create or update the work pool on the server of PREFECT_API_URL; exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.ecs",
        description="The work pool of flows that run as ECS tasks, from a file of values.",
    )
    parser.add_argument("--values", type=Path, default=VALUES, help="YAML of job variables")
    parser.add_argument("--pool", default="sluice", help="name, as prefect.yaml says it")
    options = parser.parse_args(arguments)
    try:
        chosen, values = settings(), pool.read(options.values)
        pool.require_fixed_image(values, str(options.values), by_digest=chosen.in_production)
        template = pool.template(values, pool.environment(chosen))
        new = pool.apply(options.pool, template)
    except SluiceError as error:
        print(f"ecs: {error}", file=sys.stderr)
        return 1
    print(
        f"» Work pool {options.pool}: {'created' if new else 'updated'}. "
        f"Next: prefect worker start --pool {options.pool} --type ecs"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
