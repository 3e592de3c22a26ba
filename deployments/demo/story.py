"""The story: a first release, a quiet week, a drift, a bad candidate; each verified."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deployments.demo import generate, rooms
from deployments.demo.outside import Outside, Prefect, claim
from deployments.demo.photos import write_photos
from deployments.demo.report import Account, Step
from deployments.demo.traffic import Seen, Traffic, against, as_requests
from deployments.laptop.environment import Laptop
from deployments.laptop.stack import command

PRICES, ROOMS = "price-estimator", "room-classifier"
FIRST_DAY = date(2026, 1, 5)
LEARNED_DAYS, NEW_DAYS = 140, 28
SALES, NEW_SALES, PHOTOS = 6000, 1600, 400
EPOCHS = {PRICES: 15, ROOMS: 12}
REQUESTS_PER_SECOND = 90.0
USERS_MAY_SEE = 60
"""Errors that users may meet before the bad candidate is gone, in a few thousand requests."""


class Story:
    """What is told, and what the later steps need of the earlier ones."""

    def __init__(self, laptop: Laptop, account: Account) -> None:
        self.laptop = laptop
        self.account = account
        self.prefect = Prefect(laptop)
        self.outside = Outside(laptop)
        self.first: dict[str, str] = {}
        self.second = ""
        self._rows: list[dict[str, Any]] = []
        self._photos: list[bytes] = []

    def tell(self) -> None:
        """All steps, in order.

        Raises:
            NotSo: a claim does not hold.
            StackError: the stack itself gave way.
        """
        with self.account.step("The lake is filled with house sales and room photos") as step:
            self.fill(step)
        with self.account.step("Both models are trained, gated, converted and released") as step:
            self.first_release(step)
        with ExitStack() as users:
            invoke = against(f"sluice-{PRICES}", self.outside.runtime)
            traffic = Traffic(invoke, as_requests(self._rows), REQUESTS_PER_SECOND)
            with self.account.step("The weekly run finds nothing new") as step:
                self.nothing_new(step)
            users.enter_context(traffic)
            self.account.say(f"users ask for prices, {REQUESTS_PER_SECOND:.0f} times a second")
            with self.account.step("The market shifts: drift, alarm, retraining, canary") as step:
                self.drift(step, traffic)
            with self.account.step("A bad candidate fails in production and is rolled back") as s:
                self.bad_candidate(s, traffic)
        with self.account.step("The end state, seen from outside") as step:
            self.end_state(step)

    def fill(self, step: Step) -> None:
        """Generated data, written as a lake loader would."""
        columns = generate.property_sales(SALES, FIRST_DAY, LEARNED_DAYS, seed=1)
        self._rows = [
            {name: _plain(values[index]) for name, values in columns.items() if name != "price"}
            for index in range(0, SALES, 20)
        ]
        with tempfile.TemporaryDirectory(prefix="sluice-demo-") as scratch:
            generate.write_sales(Path(scratch), columns)
            write_photos(Path(scratch), rooms.ROOMS, PHOTOS, FIRST_DAY, 20, seed=1)
            output = command(self.laptop, "lake", "deployments.lake", "folder", scratch)
        step.fact("sales", SALES)
        step.fact("photos", PHOTOS)
        step.fact("lake", output.strip().splitlines()[-1].removeprefix("» "))

    def first_release(self, step: Step) -> None:
        """Both models at once, each on its own gate."""
        runs = {
            model: self.prefect.start(
                "retrain/manual",
                {"model": model, "reason": "first training", "epochs": EPOCHS[model]},
            )
            for model in (PRICES, ROOMS)
        }
        for model, run in runs.items():
            self.prefect.completed(run)
            pointer = self.outside.pointer(model)
            self.first[model] = pointer["version"]
            self.outside.only_serves(model, pointer["version"])
            files = self.outside.verified_bundle(model, pointer["version"])
            step.fact(f"{model}", f"{pointer['version']} serves; {files} files match their hashes")
            pages = self.prefect.artifacts(run)
            for part in ("snapshot", "contract", "training", "gate", "conversion", "release"):
                claim(any(part in key for key in pages), f"{model}: no {part} page: {pages}")
            step.fact(f"{model} pages in the UI", len(pages))

    def nothing_new(self, step: Step) -> None:
        """The same snapshot, code and parameters cost nothing twice."""
        jobs = self.outside.jobs()
        start = time.monotonic()
        weekly = {"models": [PRICES], "epochs": EPOCHS[PRICES]}
        account = self.prefect.completed(self.prefect.start("retrain-all/weekly", weekly))
        claim(account == "1 of 1 models: 1 Completed.", f"the weekly run says {account!r}")
        message = self.prefect.completed(self.prefect.runs("retrain/manual")[0]["id"])
        claim(message.startswith("Nothing new"), f"the retraining says {message!r}")
        claim(self.outside.jobs() == jobs, "a training job was submitted for nothing")
        step.fact("ended after", f"{time.monotonic() - start:.1f} s")
        step.fact("says", message.split(":")[0])

    def drift(self, step: Step, traffic: Traffic) -> None:
        """New sales differ; nobody presses a button after the watch has run."""
        start = FIRST_DAY + timedelta(days=LEARNED_DAYS)
        shift = generate.Shift(size=1.12, price=1.05, grade=1)
        columns = generate.property_sales(NEW_SALES, start, NEW_DAYS, seed=2, shift=shift)
        with tempfile.TemporaryDirectory(prefix="sluice-demo-") as scratch:
            generate.write_sales(Path(scratch), columns)
            command(self.laptop, "lake", "deployments.lake", "folder", scratch)
        earlier = {run["id"] for run in self.prefect.runs("retrain/on-drift")}
        jobs = set(self.outside.jobs())
        watch = self.prefect.start("watch-drift/daily", {"model": PRICES})
        message = self.prefect.completed(watch)
        claim(message.startswith("Emitted drift.detected"), f"the watch says {message!r}")
        step.fact("alarm", message)
        run = self.prefect.wait_for_run("retrain/on-drift", earlier)
        step.fact("retraining", "started by the event, without a person")
        self.prefect.completed(run)
        pointer = self.outside.pointer(PRICES)
        self.second = pointer["version"]
        claim(pointer["previous"] == self.first[PRICES], f"the way back is {pointer['previous']}")
        claim(self.second != self.first[PRICES], "the pointer did not move")
        self.outside.only_serves(PRICES, self.second)
        step.fact("new training jobs", len(set(self.outside.jobs()) - jobs))
        claim(step.facts["new training jobs"] == 1, "more than one training was paid for")
        step.fact("promoted", f"{self.second}, after {self.first[PRICES]}")
        step.fact("users", _tally_line(traffic.seen()))
        claim(traffic.seen().errors == 0, f"users saw errors: {traffic.seen().last_error}")

    def bad_candidate(self, step: Step, traffic: Traffic) -> None:
        """It passed every gate offline; its server fails on some real requests."""
        command(self.laptop, "sabotage", "deployments.demo.sabotage", PRICES, "errors")
        bad = self.outside.newest_version(PRICES)
        claim(bad != self.second, "no bad candidate was published")
        before = traffic.seen()
        run = self.prefect.start(
            "release/manual", {"model": PRICES, "version": bad, "reason": "bad candidate"}
        )
        record = self.prefect.ended(run)
        message = str(record["state"].get("message") or "")
        claim(
            record["state_name"] == "RolledBack",
            f"the release ended {record['state_name']}: {message}",
        )
        step.fact("verdict", message[:300])
        pointer = self.outside.pointer(PRICES)
        claim(pointer["version"] == self.second, f"the pointer names {pointer['version']}")
        self.outside.only_serves(PRICES, self.second)
        tally = traffic.seen()
        errors = tally.errors - before.errors
        step.fact("bad answers that users saw", f"{errors} of {tally.answers - before.answers}")
        claim(0 < errors <= USERS_MAY_SEE, f"users saw {errors} errors")
        step.fact("serves", self.second)

    def end_state(self, step: Step) -> None:
        """Pointers, endpoints, CDN."""
        for model, version in ((PRICES, self.second), (ROOMS, self.first[ROOMS])):
            claim(self.outside.pointer(model)["version"] == version, f"{model} moved")
            self.outside.only_serves(model, version)
            step.fact(model, version)
        step.fact("CDN invalidations", self.outside.invalidations())


def _plain(value: Any) -> Any:
    """A NumPy scalar as JSON has it."""
    plain = value.item() if hasattr(value, "item") else value
    return plain.isoformat() if isinstance(plain, date) else plain


def _tally_line(tally: Seen) -> str:
    by_variant = ", ".join(
        f"{name} {counts[0]:,}" for name, counts in sorted(tally.by_variant.items())
    )
    return f"{tally.answers:,} requests, {tally.errors} errors ({by_variant})"
