"""The uploads' door: Prefect tasks."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.events.schemas.events import Event, Resource
from prefect.exceptions import ObjectNotFound

from tasks.clock import system_clock
from tasks.errors import UploadRefused
from tasks.notify import Topic
from tasks.reports.artifacts import current_flow_run_id, key_for, logger, show
from tasks.retrying import retried
from tasks.settings import settings
from tasks.uploads import artefact
from tasks.uploads.artefact import Received
from tasks.uploads.inbox import Inbox, Life, State
from tasks.uploads.listening import Listener, patience_on
from tasks.uploads.notices import Upload, key_of
from tasks.uploads.page import dead_letters_page, upload_page
from tasks.values import Frozen

EVENT = "artifact.uploaded"
TRIES = 5


class Taken(Frozen):
    """Whether this run deals with an upload; without one, ``why`` says who does or did."""

    upload: Upload | None = None
    why: str = ""


def inbox() -> Inbox:
    """The inbox of this installation."""
    return Inbox(settings().registry_bucket, system_clock())


@retried("listen", times=1)
def listen() -> tuple[str, ...]:
    """Turn what the uploads' queue holds into events; one for each upload."""
    url = settings().uploads_queue_url
    if not url:
        return ()
    aside: list[tuple[str, str]] = []
    listener = Listener(
        inbox(),
        announce,
        life_of,
        _given_up,
        patience_on(system_clock()),
        lambda where, why: aside.append((where, why)),
    )
    done = listener.listen(url)
    for line in done:
        logger().info(line)
    if aside:
        page = dead_letters_page(aside)
        show(key_for("dead-letters", "uploads"), page, "What could not be read, and was put aside")
        Topic(settings().alerts_topic_arn).tell("Uploads: messages that cannot be read", page)
    return done


def announce(upload: Upload, event_id: UUID) -> None:
    """Create the event, and return once the server has it."""
    event = Event(
        id=event_id,
        event=EVENT,
        resource=Resource(
            {
                "prefect.resource.id": f"sluice.upload.{upload.model}.{upload.version}",
                "prefect.resource.name": f"{upload.model} {upload.version}",
            }
        ),
        payload={
            "model": upload.model,
            "version": upload.version,
            "address": f"s3://{upload.bucket}/{upload.key}",
            "etag": upload.etag,
        },
    )
    with get_client(sync_client=True) as prefect:
        prefect.request("POST", "/events", json=[event.model_dump(mode="json")])


def life_of(run: str) -> tuple[Life, str]:
    """What became of a flow run, and its last message."""
    try:
        with get_client(sync_client=True) as prefect:
            state = prefect.read_flow_run(UUID(run)).state
    except (ValueError, ObjectNotFound):
        return "over", "the run is not known to Prefect"
    if state is None or not state.is_final():
        return "alive", ""
    return ("cancelled" if state.is_cancelled() else "over"), state.message or str(state.name)


@retried("take upload")
def take(model: str, version: str) -> Taken:
    """Make an upload this run's own; of several runs of one upload, one gets it.

    Raises:
        UploadRefused: nothing lies there.
    """
    box, run = inbox(), current_flow_run_id() or ""
    for _ in range(TRIES):
        kept = box.find(model, version)
        if kept is None:
            standing = box.standing(model, version)
            if standing is None:
                raise UploadRefused(
                    f"s3://{box.bucket}/{key_of(model, version)} does not exist.",
                    "Upload the artefact; its release starts by itself.",
                )
            settled = box.outcome(standing)
            if settled is not None:
                return Taken(why=f"{model} {version} was {settled.state}: {settled.reason}")
            kept = box.begin(standing)
            if kept is None:
                continue
        record = kept.record
        if record.run not in {"", run} and life_of(record.run)[0] == "alive":
            return Taken(why=f"The run {record.run} deals with {model} {version} already.")
        mine = record.model_copy(update={"run": run, "announced": max(1, record.announced)})
        if box.change(kept, mine) is not None:
            return Taken(upload=record.upload)
    return Taken(why=f"Others took {model} {version} in the same moment.")


@retried("receive")
def receive(upload: Upload) -> Received:
    """Fetch the artefact and look into it; see `artefact.receive`."""
    chosen = settings()
    folder = chosen.cache_dir / "uploads" / upload.model / upload.version
    archive = artefact.receive(upload, chosen.work_bucket, folder)
    logger().info(f"Received {archive.size:,} bytes, SHA-256 {archive.sha256[:16]}")
    return archive


@retried("settle", times=3)
def settle(upload: Upload, state: State, reason: str) -> None:
    """Write down beside the artefact what became of it, show it, and tell people of a refusal."""
    outcome = inbox().settle(upload, state, reason, current_flow_run_id() or "")
    address = f"s3://{upload.bucket}/{upload.key}"
    page = upload_page(upload.model, upload.version, address, state, reason, outcome.at)
    show(key_for("upload", upload.model), page, "What became of the uploaded artefact")
    if state in {"refused", "given_up"}:
        _tell_people(upload, state, reason)


def _given_up(upload: Upload, why: str) -> None:
    inbox().settle(upload, "given_up", why)
    _tell_people(upload, "given_up", why)


def _tell_people(upload: Upload, state: State, reason: str) -> None:
    subject = f"Upload {state.replace('_', ' ')}: {upload.model} {upload.version}"
    text = f"s3://{upload.bucket}/{upload.key}\n\n{reason}"
    logger().info(Topic(settings().alerts_topic_arn).tell(subject, text))
