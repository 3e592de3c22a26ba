"""Journals that an earlier version stored: their verdicts are read, and their releases go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.release import advance, start_release
from tasks.release.journal.record import Journal, Ruling
from tasks.release.pages import timeline
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V2
from tests.tasks.release.test_crashes import SHORT

STORED = Path(__file__).resolve().parents[2] / "vectors" / "release_journals.json"
"""By verdict: journals of releases under way, as they were written before the judge's words."""
BEFORE = {"hold": "wait", "step": "advance", "promote": "complete", "rollback": "roll_back"}


def stored(word: str) -> str:
    return json.dumps(json.loads(STORED.read_text(encoding="utf-8"))[word])


@pytest.mark.parametrize(("now", "before"), BEFORE.items())
def test_a_stored_verdict_is_read_and_written_in_the_judges_words(now: str, before: str) -> None:
    journal = Journal.model_validate_json(stored(before))
    assert journal.ruling is not None
    assert journal.ruling.action == now
    written = json.loads(journal.model_dump_json())
    earlier = json.loads(stored(before))
    assert written["ruling"].pop("action") == now
    earlier["ruling"].pop("action")
    # A key that came later has its default, and takes nothing away.
    for part in ("spec", "serving", "candidate", "stable", "site"):
        written[part] = {key: written[part][key] for key in earlier[part]}
    assert {key: written[key] for key in earlier} == earlier
    assert journal.ruling.reason in timeline.page(journal)


def test_a_verdict_that_nobody_ever_wrote_is_refused() -> None:
    with pytest.raises(ValidationError, match="action"):
        Ruling.model_validate({"action": "go", "reason": "why not"})


def under_way(good: bool, *, by_an_earlier_version: bool) -> Journal:
    """A release to its end; each of its journals as an earlier version would have stored it."""
    world = memory.serving_world(release=SHORT, good=good)
    context: Any = world.context("a")
    start_release(context, MODEL, V2, "ann", "weekly")
    while not (step := advance(context, MODEL)).ended:
        context.clock.sleep(step.wake_in)
        body, etag = world.journals[MODEL]
        document = json.loads(body)
        if by_an_earlier_version and document["ruling"] is not None:
            action = document["ruling"]["action"]
            document["ruling"]["action"] = BEFORE.get(action, action)
        world.journals[MODEL] = (json.dumps(document).encode(), etag)
    return step.journal


@pytest.mark.parametrize(("good", "phase"), [(True, "done"), (False, "rolled_back")])
def test_a_release_that_an_earlier_version_began_ends_as_it_would_have(
    good: bool, phase: str
) -> None:
    ended = under_way(good, by_an_earlier_version=True)
    assert ended.phase == phase
    assert ended == under_way(good, by_an_earlier_version=False)
