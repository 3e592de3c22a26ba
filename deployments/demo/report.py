"""The running account on the terminal, and demo-report.json."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deployments.demo.outside import NotSo


@dataclass
class Step:
    """One step of the story: what was verified, and how long it took."""

    name: str
    verified: bool = False
    facts: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str = ""

    def fact(self, name: str, value: object) -> None:
        """Keep a fact that was verified, and tell it."""
        self.facts[name] = value
        print(f"              {name}: {value}", flush=True)


class Account:
    """Tells the story as it happens."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    def say(self, line: str) -> None:
        """One line with the time."""
        print(f"    {self.seconds:6.1f} s  {line}", flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step; a claim that does not hold ends the story."""
        step = Step(name)
        self.steps.append(step)
        start = time.monotonic()
        print(f"\n▸ {self.seconds:6.1f} s  {name}", flush=True)
        try:
            yield step
            step.verified = True
        except NotSo as error:
            step.failure = str(error)
            raise
        finally:
            step.seconds = round(time.monotonic() - start, 1)
            if step.verified:
                print(f"  ✔ {step.seconds:6.1f} s", flush=True)
            else:
                print(f"  ✘ {step.seconds:6.1f} s  {step.failure}", flush=True)

    def write(self, path: Path) -> bool:
        """Write the report; True when every step was verified."""
        good = bool(self.steps) and all(step.verified for step in self.steps)
        content = {
            "verified": good,
            "seconds": round(self.seconds, 1),
            "steps": [asdict(step) for step in self.steps],
        }
        path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
        return good
