"""Release an artefact that somebody uploaded: the same gate and canary as for a trained one."""

from __future__ import annotations

from typing import Annotated, Any, cast

from prefect import State, flow
from prefect.states import Completed
from pydantic import Field

from flows import endings
from flows.curate import referenced
from flows.recipe import prepare, work_folder
from flows.release import ended_with, release
from tasks.contracts.tasks import check_contract
from tasks.conversion.tasks import convert
from tasks.drift.tasks import BASELINE, keep_baseline, keep_errors
from tasks.errors import (
    ConversionError,
    GateRejected,
    GateUndecided,
    UnknownModel,
    UploadRefused,
    VersionExists,
    VersionUnknown,
)
from tasks.gates.decide import require_pass
from tasks.gates.tasks import gate
from tasks.lake.formats import LocalReader
from tasks.lake.tasks import pull_snapshot, snapshot
from tasks.own_code import require_comparable
from tasks.registry.names import checked as well_formed
from tasks.registry.tasks import champion_of, earlier_outcome, publish, reject
from tasks.training.tasks import examine, hand_over, measure_champion
from tasks.uploads import Upload
from tasks.uploads.tasks import receive, settle, take

REFUSED = (
    ConversionError,
    GateUndecided,
    UnknownModel,
    UploadRefused,
    VersionExists,
    VersionUnknown,
)
"""What is wrong with the artefact itself: no further run would find otherwise."""


@flow(name="release-upload", flow_run_name="{model} {version} · uploaded")
def release_upload(
    model: Annotated[str, Field(min_length=1)], version: Annotated[str, Field(min_length=1)]
) -> Any:
    """Measure what lies in models/<model>/<version>/model.tar.gz, and release it if it is good.

    Started by the upload itself. A refusal is one error; it stands in outcome.json beside the
    artefact too. Many events of one upload lead to one release.

    Args:
        model: Which model.
        version: Semantic version or time stamp; the folder that was uploaded to.
    """
    taken = take(model, version)
    if taken.upload is None:
        return Completed(message=taken.why)
    try:
        admitted, identity = admit(taken.upload)
    except GateRejected as error:
        settle(taken.upload, "refused", str(error))
        return ended_with(model, endings.rejected(error))
    except REFUSED as error:
        settle(taken.upload, "refused", str(error))
        raise
    ended = endings.passed_on(
        cast("State[Any]", release(model, admitted, "uploaded", return_state=True))
    )
    if endings.released(ended):
        settle(taken.upload, "released", str(ended.message))
    # Undone because this run fell silent, nobody having found it wanting: the next run tries again.
    elif earlier_outcome(model, identity).settled:
        settle(taken.upload, "rolled_back", str(ended.message))
    return ended_with(model, ended)


def admit(upload: Upload) -> tuple[str, str]:
    """Bring an upload through the gates into the registry; its version and identity there."""
    model, version = upload.model, well_formed(upload.version)
    ready = prepare(model)
    spec, contract = ready.spec, ready.contract
    received = receive(upload, spec)
    earlier = earlier_outcome(model, received.identity)
    if earlier.fate in {"published", "released"}:
        return earlier.version, received.identity
    if earlier.settled:
        raise UploadRefused(f"{model} {version}: {earlier.reason}.", "Upload another version.")

    pinned, address = snapshot(
        contract.dataset, contract.location_prefix, ready.window_days, None, contract.owns
    )
    plan = ready.plan(pinned.fingerprint)
    champion = champion_of(model)
    comparable = require_comparable(spec, ready.own, champion)
    work = work_folder(model, f"upload-{received.sha256[:16]}")
    paths = pull_snapshot(pinned, address)
    checked = check_contract(
        contract, pinned, paths, work, LocalReader(), referenced(contract), docs=False
    )
    checked.require_pass()
    data = hand_over(spec, plan, work / "good", work)
    found = examine(spec, plan.code_hash, ready.source, received.address, received.identity, data)
    holdout = data["channels"]["holdout"]
    standing = measure_champion(spec, plan.code_hash, ready.source, champion, holdout, comparable)
    verdict = gate(spec, found.metrics, standing, found.baseline)
    if verdict.outcome == "fail":
        reject(model, received.identity, verdict.reason)
    require_pass(verdict)

    converted = convert(spec, found.folder, work)
    facts = {
        "snapshot": address,
        "code_hash": plan.code_hash,
        "contract": checked.contract,
        "contract_version": checked.contract_version,
        "baseline": BASELINE,
    }
    drift = (contract.version, contract.kinds, contract.drift_policy, work / "good")
    archive = found.folder / "model.tar.gz"
    errors = keep_errors(pinned, contract.drift_policy, archive, holdout, work)
    published = publish(
        spec,
        facts,
        received.hyperparameters,
        pinned,
        found,
        {**converted.files, **errors, BASELINE: keep_baseline(pinned, *drift, work)},
        converted.report.parity,
        converted.report.versions,
        version,
    )
    return published, received.identity
