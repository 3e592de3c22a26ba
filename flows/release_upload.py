"""Release an artefact that somebody uploaded: the same gate and canary as for a trained one."""

from __future__ import annotations

from typing import Annotated, Any, cast

from prefect import State, flow
from prefect.states import Completed
from pydantic import Field

from flows import endings
from flows.admission import admit, validate
from flows.recipe import prepare, work_folder
from flows.release import ended_with, release
from tasks.contracts.tasks import gather_records
from tasks.errors import (
    ConversionError,
    GateInconclusive,
    GateRejected,
    GateUndecided,
    UnknownModel,
    UploadRefused,
    VersionExists,
    VersionUnknown,
)
from tasks.gates.decide import require_pass
from tasks.lake.tasks import snapshot
from tasks.registry.names import checked as well_formed
from tasks.registry.tasks import champion_of, earlier_outcome
from tasks.training.champion import require_comparable
from tasks.training.tasks import examine, measure_champion, upload_channels
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
        admitted, identity = receive_and_admit(taken.upload)
    except GateRejected as error:
        settle(taken.upload, "refused", str(error))
        return ended_with(model, endings.rejected(error))
    except GateInconclusive as error:
        settle(taken.upload, "refused", str(error))
        return ended_with(model, endings.inconclusive(error))
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


def receive_and_admit(upload: Upload) -> tuple[str, str]:
    """Bring an upload through the gates into the registry; its version and identity there."""
    model, version = upload.model, well_formed(upload.version)
    ready = prepare(model)
    spec, contract = ready.spec, ready.contract
    received = receive(upload)
    earlier = earlier_outcome(model, received.identity)
    if earlier.status in {"published", "released"}:
        return earlier.version, received.identity
    if earlier.settled:
        raise UploadRefused(f"{model} {version}: {earlier.reason}.", "Upload another version.")

    pinned, address = snapshot(
        contract.dataset, contract.location_prefix, ready.window_days, None, contract.owns
    )
    work = work_folder(model, f"upload-{received.sha256[:16]}")
    data, _ = validate(ready, pinned, address, work, docs=False)
    champion = champion_of(model)
    require_comparable(spec, champion)
    rows = gather_records(contract, data)
    channels = upload_channels(spec, ready.plan(pinned.fingerprint), ready.columns, rows)
    holdout = channels["channels"]["holdout"]
    examined = examine(spec, received.address, received.identity, channels)
    standing = measure_champion(spec, champion, holdout)
    admission = admit(ready, examined, standing, data, holdout, received.hyperparameters, version)
    require_pass(admission.verdict)
    return admission.version, received.identity
