"""All facts, those in which this CloudWatch differs, and the share that matches.

``python -m cloudwatch.facts.recorded`` in ``embedded-aws/tests`` replays them and prints the table
that stands in ``embedded-aws/docs/cloudwatch.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudwatch.facts import Fact, composites, labels, measurements, resources, settings, states

FACTS: list[Fact] = [
    *labels.FACTS,
    *measurements.FACTS,
    *settings.FACTS,
    *states.FACTS,
    *composites.FACTS,
    *resources.FACTS,
]
# Why ours is another answer, by kind and name.
DIFFERENT: dict[tuple[str, str], str] = {
    (
        "the wire",
        "log alarms",
    ): "there are no log alarms here (PutLogAlarm), and no member for them",
    (
        "dashboards",
        "a metric with three names",
    ): "which arrays of a widget's metrics are refused is "
    "documented nowhere; they are kept as they are",
}


def table_of(matches: Sequence[tuple[Fact, bool]]) -> str:
    """How many facts of each kind match."""
    rows: dict[str, list[bool]] = {}
    for fact, same in matches:
        rows.setdefault(fact.kind, []).append(same)
    every = [same for _, same in matches]
    lines = ["| kind | facts | match |", "|---|---:|---:|"]
    lines += [f"| {kind} | {len(row)} | {sum(row)} |" for kind, row in rows.items()]
    share = 100 * sum(every) / len(every)
    return "\n".join([*lines, f"| **all** | {len(every)} | {sum(every)} ({share:.1f} %) |"])


def main() -> None:
    """Replay everything; print what differs, and the table."""
    found = [(fact, fact.difference()) for fact in FACTS]
    for fact, difference in found:
        if difference:
            print(f"- {fact.kind}, {fact.name} ({fact.source}): {difference}")
    print(table_of([(fact, not difference) for fact, difference in found]))


if __name__ == "__main__":
    main()
