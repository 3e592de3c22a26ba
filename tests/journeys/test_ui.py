"""The UI in a real browser: the form starts a run, and a person sees what was decided."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from deployments.laptop.browser import find
from tasks.release.journal.record import JournalEntry
from tasks.release.pages import lines
from tasks.reports.markdown import plain, table
from tests.journeys.killing import MODEL

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(600)]

SHOTS = Path(".sluice/screenshots")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW = 90_000
CLIPPED = """() => [...document.querySelectorAll("article, article *")]
    .filter(part => part.clientWidth > 0 && part.scrollWidth > part.clientWidth + 1)
    .filter(part => getComputedStyle(part).display !== "inline")
    .map(part => `${part.tagName} ${part.scrollWidth} > ${part.clientWidth}: `
        + part.innerText.slice(0, 80))"""
"""What stands wider than its place: the UI hides it, behind a scroll bar or without one."""
PICTURE = (600, 90)
"""Pixels from which a picture can be read: width and height."""
EXTREMES = (
    *("W" * 90, "m0" * 45, "@%" * 40, "iljt. " * 40, "Ж" * 60, "日本語" * 30, "😀" * 30),
    "v20261130_002543" * 4,
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/sluice-price-estimator-v20261130-002543",
    *("`code` [a](b) **x** <b>|" * 4, "price-estimator · a weekly schedule, for the third time"),
)
"""What a journal may hold: no space to break at, wide signs, markup."""


@pytest.fixture(scope="module")
def page(journey):
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(QUIET))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(SLOW)
        expect.set_options(timeout=SLOW)
        # As a person signs in: once, in a form; the browser remembers.
        page.goto(f"{journey.prefect.ui}/login")
        page.get_by_role("textbox").fill(journey.laptop.sign_in.read_text().strip())
        page.get_by_role("textbox").press("Enter")
        expect(page).not_to_have_url(re.compile("/login"))
        yield page
        browser.close()


def retraining_page(journey, kind: str) -> dict:
    """The newest page of a kind that a retraining made, whichever run of several got that far."""
    asked = {
        "artifacts": {"key": {"like_": kind}},
        "flows": {"name": {"any_": ["retrain"]}},
        "flow_runs": {"name": {"like_": MODEL}},
        "sort": "CREATED_DESC",
        "limit": 1,
    }
    return journey.prefect._ok(journey.prefect._http.post("/artifacts/filter", json=asked))[0]


def compared(journey) -> None:
    """Three more days were compared with the champion's, whichever test did it first."""
    parameters = {"model": MODEL, "end": journey.load_quiet_days()}
    journey.prefect.completed(journey.prefect.start("watch-drift/daily", parameters))


def test_the_form_explains_itself_and_starts_a_run(journey, survived, page):
    before = {run["id"] for run in journey.prefect.runs("retrain/manual")}
    page.goto(
        f"{journey.prefect.ui}/deployments/deployment/{journey.prefect.deployment('retrain/manual')['id']}/run"
    )
    expect(page.get_by_text("Why, in a sentence; it stands in the run's name.")).to_be_visible()
    expect(page.get_by_text("Training epochs; 0 takes model.yaml's.")).to_be_visible()
    expect(page.get_by_text("empty takes the newest there is.")).to_be_visible()
    expect(page.get_by_text("None", exact=True)).to_have_count(0)
    menu = page.locator(".p-select-button__control").first
    menu.focus()
    menu.press("ArrowDown")
    page.locator(".p-select-option", has_text=MODEL).click()
    page.get_by_role("spinbutton").nth(1).fill("6")
    page.screenshot(path=SHOTS / "form.png", full_page=True)
    page.get_by_role("button", name="Submit").click()
    run = journey.prefect.wait_for_run("retrain/manual", before)
    assert journey.prefect.running(run) == f"{MODEL} · by hand"
    journey.prefect.cancel(run)


def test_the_run_tells_model_and_reason_and_its_stages(journey, survived, page):
    run = retraining_page(journey, "gate")["flow_run_id"]
    page.goto(f"{journey.prefect.ui}/runs/flow-run/{run}?tab=Artifacts")
    expect(page.get_by_text(re.compile(rf"^{MODEL} · ")).first).to_be_visible()
    expect(page.get_by_text(re.compile("gate")).first).to_be_visible()
    page.screenshot(path=SHOTS / "run.png", full_page=True)


@pytest.mark.parametrize(
    "kind",
    ["snapshot", "contract", "drift", "training", "gate", "conversion", "bundle", "release"],
)
def test_each_page_can_be_read_without_opening_a_log(journey, survived, page, kind):
    if kind == "drift":
        compared(journey)
    artifact = journey.prefect.artifact(kind, MODEL)
    page.goto(f"{journey.prefect.ui}/artifacts/artifact/{artifact['id']}")
    expect(page.locator("h1, h2").first).to_be_visible()
    expect(page.locator("table, img[src^='data:']").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / f"{kind}.png", full_page=True)
    assert page.evaluate(CLIPPED) == []
    for picture in page.locator("article img").all():
        drawn = picture.bounding_box()
        assert drawn["width"] >= PICTURE[0]
        assert drawn["height"] >= PICTURE[1]


def test_a_table_fits_whatever_stands_in_it(journey, page):
    told = ["# Extremes"]
    for text in EXTREMES:
        said = {"actor": text, "kind": "outcome", "action": text, "detail": text}
        told.append(lines.shown([JournalEntry(at=at, **said) for at in (1.0, 86_399.0)]))
        code = text.replace("`", "'")
        told.append(table([plain(text)] * 9, [[f"`{code}`"] * 9]))
    made = journey.prefect._http.post(
        "/artifacts/", json={"key": "extremes", "type": "markdown", "data": "\n\n".join(told)}
    )
    page.goto(f"{journey.prefect.ui}/artifacts/artifact/{journey.prefect._ok(made)['id']}")
    expect(page.locator("article table")).to_have_count(2 * len(EXTREMES))
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SHOTS / "extremes.png", full_page=True)
    assert page.evaluate(CLIPPED) == []


@pytest.mark.parametrize("kind", ["snapshot", "contract", "bundle"])
def test_what_a_page_names_in_s3_opens_with_a_click(journey, survived, page, kind):
    # Of a retraining: a watch keeps no list of what it pinned.
    artifact = retraining_page(journey, kind)
    page.goto(f"{journey.prefect.ui}/artifacts/artifact/{artifact['id']}")
    links = page.locator("article a[href*='/_embedded/s3/']")
    expect(links.first).to_be_visible()
    for link in links.all():
        opened = page.request.get(link.get_attribute("href"))
        assert opened.status == 200, link.inner_text()


def test_the_list_of_deployments_says_which_one_undoes(journey, survived, page):
    page.goto(f"{journey.prefect.ui}/deployments")
    row = page.get_by_role("row").filter(has_text="↩ undo").first
    expect(row.get_by_text("rollback")).to_be_visible()
    page.screenshot(path=SHOTS / "deployments.png", full_page=True)
