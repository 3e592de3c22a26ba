"""The reference client in a real Chromium, against a CDN that does all it should not."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tasks.buckets import bucket
from tests.clients.conftest import MODEL, V1, V2, V3

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WEIGHTS, GRAPH = "tfjs/group1-shard1of1.bin", "tfjs/model.json"
SEES = "async (options) => { globalThis.model = await open(options); return await ask(model); }"
REFUSES = """async (options) => {
  try { await open(options); return "loaded"; } catch (error) { return error.kind; }
}"""


def told(page: Any, kind: str) -> list[dict[str, Any]]:
    return page.evaluate("(type) => kinds(type)", kind)


def test_tensorflow_js_runs_what_was_verified_and_nothing_else(cdn: Any, page: Any) -> None:
    page.again("/real")
    assert page.evaluate("tf.version_core") is not None
    cdn.point(V1, percent=100)
    assert page.evaluate(SEES) == 2.0
    cdn.break_file(V3, WEIGHTS, "tampered")
    cdn.point(V1, percent=100, to=V3, salt="next release")
    page.evaluate("model.refresh()")
    assert page.evaluate("ask(model, [3, 0])") == 6.0  # goes on with the last good version
    page.wait_for_function("kinds('observation').some((seen) => seen.outcome === 'error')")
    errors = [seen for seen in told(page, "observation") if seen["outcome"] == "error"]
    assert [(seen["version"], seen["kind"]) for seen in errors] == [(V3, "tampered")]


def test_a_version_is_loaded_from_verified_files_and_answers(cdn: Any, page: Any) -> None:
    page.evaluate("globalThis.slowMilliseconds = 50")  # a clock that ticks coarsely sees it, too
    assert page.evaluate(SEES) == 1.0
    assert page.evaluate("model.version") == V1
    assert told(page, "problem") == []
    [latency] = told(page, "latency")
    assert (latency["model"], latency["version"]) == (MODEL, V1)
    assert 40 <= latency["latency_ms"] < 5000


def test_a_second_visit_loads_nothing_but_the_pointer_and_the_experiment(
    cdn: Any, page: Any
) -> None:
    page.evaluate(SEES)
    page.wait_for_function("caches.keys().then((names) => names.length === 1)")
    cdn.asked.clear()
    page.again()
    assert page.evaluate(SEES) == 1.0
    assert set(cdn.asked) == {f"{MODEL}/latest.json", f"{MODEL}/experiment.json"}


@pytest.mark.parametrize("name", [WEIGHTS, GRAPH])
@pytest.mark.parametrize("kind", ["missing", "tampered", "truncated"])
def test_a_bad_candidate_is_never_loaded_and_is_told_of(
    cdn: Any, page: Any, name: str, kind: str
) -> None:
    cdn.point(V1, percent=100)
    cdn.break_file(V2, name, kind)
    assert page.evaluate(SEES) == 1.0
    assert page.evaluate("model.version") == V1
    page.wait_for_function("kinds('observation').length > 0")
    [seen] = told(page, "observation")
    assert (seen["version"], seen["outcome"], seen["kind"]) == (V2, "error", kind)
    page.evaluate("(async () => { for (let i = 0; i < 5; i += 1) await ask(model); })()")
    assert len(told(page, "observation")) == 1  # the fallback is not the user's version


@pytest.mark.parametrize("kind", ["missing", "tampered", "truncated", "cut", "slow", "500"])
def test_with_no_other_version_a_bad_file_means_no_model(cdn: Any, page: Any, kind: str) -> None:
    cdn.break_file(V1, WEIGHTS, kind)
    told_as = {"cut": "network", "slow": "network", "500": "network"}.get(kind, kind)
    assert page.evaluate(REFUSES, {"fileTimeout": 500}) == told_as
    assert not page.evaluate("globalThis.model?.version ?? null")


@pytest.mark.parametrize("kind", ["cut", "slow", "500"])
def test_a_network_that_fails_is_not_held_against_the_candidate(
    cdn: Any, page: Any, kind: str
) -> None:
    cdn.point(V1, percent=100)
    cdn.break_file(V2, WEIGHTS, kind)
    assert page.evaluate(SEES, {"fileTimeout": 500}) == 1.0
    assert {event["kind"] for event in told(page, "problem")} == {"network"}
    assert [e for e in told(page, "observation") if e["outcome"] == "error"] == []
    cdn.faults.clear()
    page.evaluate("model.refresh()")
    assert page.evaluate("ask(model)") == 2.0


def test_a_damaged_copy_in_the_browsers_cache_is_fetched_anew(cdn: Any, page: Any) -> None:
    path = f"{MODEL}/{V1}/{WEIGHTS}"
    cdn.faults[path] = "tampered"
    assert page.evaluate(REFUSES) == "tampered"  # now it lies in the cache, for a year
    cdn.faults.clear()
    page.again()
    assert page.evaluate(SEES) == 1.0


def test_a_file_changed_in_the_store_is_never_loaded(cdn: Any, page: Any) -> None:
    page.evaluate(SEES)
    page.evaluate("""async () => {
      const cache = await caches.open("sluice-toy-model");
      for (const request of await cache.keys()) {
        if (!request.url.includes("bin")) continue;
        await cache.put(request, new Response(new Float32Array([66, 0]).buffer));
      }
    }""")
    page.again()
    assert page.evaluate(SEES) == 1.0


@pytest.mark.parametrize(
    "pointer",
    [
        b"<Error><Code>AccessDenied</Code></Error>",
        b"{}",
        json.dumps({"schema_version": 2, "model": MODEL, "version": V2}).encode(),
        json.dumps({"schema_version": 1, "model": "other", "version": V2}).encode(),
        json.dumps({"schema_version": 1, "model": MODEL, "version": "../evil"}).encode(),
        json.dumps(
            {"schema_version": 1, "model": MODEL, "version": V1,
             "rollout": {"version": V2, "percent": 400, "salt": "s"}}
        ).encode(),
    ],
)  # fmt: skip
def test_a_pointer_that_cannot_be_followed_leaves_the_last_good_version(
    cdn: Any, page: Any, pointer: bytes
) -> None:
    page.evaluate(SEES)
    cdn.objects[f"{MODEL}/latest.json"] = pointer
    page.again()
    assert page.evaluate(SEES) == 1.0
    assert {event["kind"] for event in told(page, "problem")} == {"pointer"}


@pytest.mark.parametrize("kind", ["offline", "slow", "500", "missing"])
def test_without_the_cdn_the_last_good_version_answers(cdn: Any, page: Any, kind: str) -> None:
    page.evaluate(SEES)
    cdn.faults[f"{MODEL}/latest.json"] = kind
    page.again()
    if kind == "offline":
        page.evaluate("import('/clients/sluice.js')")
        page.context.set_offline(True)
    assert page.evaluate(SEES, {"pointerTimeout": 500}) == 1.0
    assert {event["kind"] for event in told(page, "problem")} <= {"network", "missing"}
    page.context.set_offline(False)


def test_a_first_visit_without_the_cdn_says_why_there_is_no_model(cdn: Any, page: Any) -> None:
    cdn.faults[f"{MODEL}/latest.json"] = "slow"
    assert page.evaluate(REFUSES, {"pointerTimeout": 300}) == "network"


def test_a_withdrawn_candidate_is_left_at_the_next_look(cdn: Any, page: Any) -> None:
    cdn.point(V1, percent=100)
    assert page.evaluate(SEES) == 2.0
    cdn.point(V1, previous=V2, rollback=True)
    page.evaluate("model.refresh()")
    assert page.evaluate("ask(model)") == 1.0
    assert page.evaluate("model.version") == V1


def test_a_withdrawn_version_is_no_way_back(cdn: Any, page: Any) -> None:
    cdn.point(V1, percent=100)
    assert page.evaluate(SEES) == 2.0  # so V2 is the last good one
    cdn.point(V1, previous=V2, rollback=True)
    cdn.break_file(V1, WEIGHTS, "missing")
    page.again()
    assert page.evaluate(REFUSES) == "missing"


def test_a_version_that_keeps_failing_is_left_for_one_that_works(cdn: Any, page: Any) -> None:
    cdn.point(V1)
    page.evaluate(SEES)
    cdn.point(V1, percent=100)
    page.evaluate("model.refresh()")
    assert page.evaluate("model.version") == V2
    page.evaluate("""async () => {
      for (let i = 0; i < 3; i += 1) {
        await model.predict(() => { throw new Error("NaN"); }).catch(() => {});
      }
    }""")
    page.wait_for_function(f"model.version === '{V1}'")
    assert page.evaluate("ask(model)") == 1.0
    [seen] = told(page, "observation")
    assert (seen["version"], seen["outcome"], seen["kind"]) == (V2, "error", "predict")


def test_an_error_of_the_caller_reaches_the_caller(cdn: Any, page: Any) -> None:
    page.evaluate(SEES)
    said = page.evaluate("""() => model.predict(() => { throw new Error("bad input"); })
      .catch((error) => error.message)""")
    assert said == "bad input"
    assert page.evaluate("ask(model)") == 1.0


def test_a_user_counts_once_per_version_and_rollout(cdn: Any, page: Any) -> None:
    cdn.point(V1, percent=0)
    for _ in range(3):
        page.again()
        page.evaluate("""async () => {
          globalThis.model = await open({ score: (value) => value });
          for (let i = 0; i < 5; i += 1) await ask(model);
        }""")
        page.wait_for_timeout(50)
        seen = told(page, "observation")
        assert len(told(page, "latency")) == 5
        if seen:
            assert (seen[0]["version"], seen[0]["outcome"], seen[0]["bin"]) == (V1, "ok", 0)
            assert seen[0]["salt"] == "salt"
        cdn.batches.extend(seen)
    assert len(cdn.batches) == 1
    cdn.point(V1, percent=100)
    page.again()
    page.evaluate("(async () => { globalThis.model = await open(); await ask(model); "
                  "await ask(model); })()")  # fmt: skip
    page.wait_for_function("kinds('observation').length === 1")
    assert told(page, "observation")[0]["version"] == V2
    cdn.point(V1, percent=100, salt="another release")
    page.evaluate("(async () => { await model.refresh(); await ask(model); await ask(model); })()")
    page.wait_for_function("kinds('observation').length === 2")


def test_outside_of_a_rollout_no_observation_is_made(cdn: Any, page: Any) -> None:
    page.evaluate("(async () => { globalThis.model = await open(); "
                  "for (let i = 0; i < 5; i += 1) await ask(model); })()")  # fmt: skip
    assert told(page, "observation") == []
    assert len(told(page, "latency")) == 5


def test_reports_arrive_in_batches_without_the_user(cdn: Any, page: Any) -> None:
    cdn.point(V1, percent=100)
    page.evaluate("""async () => {
      const { postReports } = await import("/clients/reports.js");
      const report = postReports({ url: "/collect", flushSeconds: 3600 });
      globalThis.model = await open({ report, userId: "secret-user" });
      for (let i = 0; i < 3; i += 1) await ask(model);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await report.flush();
      report.stop();
    }""")
    [batch] = cdn.batches
    assert (batch["schema_version"], batch["model"]) == (1, MODEL)
    assert len(batch["latencies_ms"]) == 3
    [seen] = batch["observations"]
    assert (seen["version"], seen["outcome"]) == (V2, "ok")
    assert seen["latency_ms"] >= 0  # a browser's clock ticks in tenths of a millisecond
    assert "secret" not in json.dumps(batch)


def test_what_cannot_be_posted_is_posted_later(cdn: Any, page: Any) -> None:
    page.evaluate("""async () => {
      const { postReports } = await import("/clients/reports.js");
      let works = false;
      const flaky = (...how) => works ? fetch(...how) : Promise.reject(new Error("offline"));
      const report = postReports({ url: "/collect", flushSeconds: 3600, fetch: flaky });
      report({ type: "latency", model: "toy-model", latency_ms: 5 });
      await report.flush();
      works = true;
      await report.flush();
      report.stop();
    }""")
    assert [batch["latencies_ms"] for batch in cdn.batches] == [[5]]


def test_the_shared_vectors_hold_in_the_browser(cdn: Any, page: Any) -> None:
    wrong = page.evaluate("""async () => {
      const { bucket } = await import("/clients/buckets.js");
      const { vectors } = await (await fetch("/vectors.json")).json();
      const wrong = [];
      for (const row of vectors) {
        if (await bucket(row.user_id, row.salt) !== row.bucket) wrong.push(row);
      }
      return vectors.length >= 50 ? wrong : ["too few"];
    }""")
    assert wrong == []


def test_the_share_of_users_is_the_percentage_and_never_goes_back(cdn: Any, page: Any) -> None:
    percents = [0, 1, 5, 10, 33, 50, 90, 99, 100]
    chosen = page.evaluate(
        """async ({ percents, version, candidate }) => {
      const { choose } = await import("/clients/sluice.js");
      const users = Array.from({ length: 800 }, (_, n) => `user-${n}`);
      return Promise.all(percents.map((percent) => Promise.all(users.map(async (user) => {
        const rollout = { version: candidate, percent, salt: "release-7" };
        return (await choose({ version, rollout }, user)) === candidate;
      }))));
    }""",
        {"percents": percents, "version": V1, "candidate": V2},
    )
    for percent, users in zip(percents, chosen, strict=True):
        spread = 4 * (percent * (100 - percent) / 800) ** 0.5
        assert abs(100 * sum(users) / len(users) - percent) <= spread
        expected = [bucket(f"user-{n}", "release-7") < percent for n in range(800)]
        assert users == expected
    for fewer, more in itertools.pairwise(chosen):
        assert not [n for n, had in enumerate(fewer) if had and not more[n]]


def test_versions_that_nobody_needs_are_let_go(cdn: Any, page: Any) -> None:
    for version in (V1, V2, V3):
        cdn.point(version)
        page.again()
        page.evaluate(SEES)
    page.wait_for_timeout(100)
    kept = page.evaluate("""async () => {
      const cache = await caches.open("sluice-toy-model");
      return (await cache.keys()).map((request) => decodeURIComponent(request.url));
    }""")
    assert [key for key in kept if V1 in key or V2 in key] == []
    assert [key for key in kept if f"{V3}/{WEIGHTS}" in key]


FLIPS = """async ([body, model]) => {
  const { undamaged } = await import("/clients/verified.js");
  const { checkedPointer } = await import("/clients/sluice.js");
  const meant = async (bytes) => {
    const told = checkedPointer(await undamaged(bytes, "latest.json"), model);
    const { version, rollout, manifest, previous, rollback } = told;
    return JSON.stringify([version, rollout, manifest, previous, rollback]);
  };
  const written = new TextEncoder().encode(body);
  const right = await meant(written);
  const taken = [];
  for (let at = 0; at < written.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const flipped = written.slice();
      flipped[at] ^= 1 << bit;
      const got = await meant(flipped).catch(() => right);
      if (got !== right) taken.push([at, bit]);
    }
  }
  return [written.length, taken];
}"""


def test_no_flipped_bit_of_a_pointer_makes_another_pointer(cdn: Any, page: Any) -> None:
    """Of the digest's own name a bit may flip: what follows is as it was written."""
    cdn.point(V2, percent=30, to=V3, rollback=False, previous=V1)
    body = cdn.objects[f"{MODEL}/latest.json"].decode()
    length, taken = page.evaluate(FLIPS, [body, MODEL])
    assert length == len(body) > 300
    assert taken == []
    without_digest = "{" + body.partition(",")[2]
    assert page.evaluate(FLIPS, [without_digest, MODEL])[1], "the digest is what finds them"
