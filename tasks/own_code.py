"""What a model's own programs must bring, where they stand in for the shared ones. Pure.

A program of a model's folder replaces the shared one of its name, or is named by ``program:``. From
then on Sluice knows of it only what it writes; so that is listed here, and held it to.
"""

from __future__ import annotations

from collections.abc import Collection

from tasks.errors import InvalidModelSpec, TrainingFailed
from tasks.model_spec import ModelSpec
from tasks.values import Manifest

TRAIN, EVALUATE, SERVE, CODE = "train.py", "evaluate.py", "serve.py", "model.py"
LAYOUT = ("preprocess.json", "model_card.json", "litert/model.tflite", f"code/{CODE}")
"""What the shared evaluate.py and serve.py read of a model.tar.gz."""
ONE_LINE = "from models.programs.evaluate import main; raise SystemExit(main())"


def trains_itself(spec: ModelSpec, own: Collection[str]) -> bool:
    """Whether an own program trains.

    Args:
        spec: The model.
        own: Files of the model's folder that are shipped.
    """
    return spec.training.program != TRAIN or TRAIN in own


def compares(spec: ModelSpec, own: Collection[str]) -> bool:
    """Whether a published version can be measured: by the shared evaluate.py, or by an own one."""
    return not trains_itself(spec, own) or EVALUATE in own


def faults(spec: ModelSpec, own: Collection[str]) -> tuple[str, ...]:
    """What is missing in the model's folder, or asked for that nothing could measure."""
    found = [
        f"{part}.program: {program} is neither shared nor in the model's folder"
        for part, program, shared in (
            ("training", spec.training.program, {TRAIN}),
            ("serving", spec.serving.program, {SERVE}),
        )
        if program not in own and program not in shared
    ]
    itself = trains_itself(spec, own)
    if not itself and CODE not in own:
        found.append(f"{CODE} is missing, which the shared {TRAIN} runs")
    if not itself:
        found += [
            f"gates: {gate.metric} is measured by no shared program, and {TRAIN} is shared"
            for gate in spec.gates
            if gate.better and not gate.known
        ]
        if spec.training.instance_count > 1:
            found.append(
                f"training.instance_count: the shared {TRAIN} uses one host and would leave "
                f"{spec.training.instance_count - 1} idle"
            )
    bounded = [g.metric for g in spec.gates if g.no_worse_than_champion is not None]
    if bounded and not compares(spec, own):
        found.append(
            f"gates: no_worse_than_champion ({', '.join(bounded)}) needs the champion measured, "
            f"which an own training program leaves to an own {EVALUATE}: it reads the channels "
            "model (model.tar.gz) and holdout, and writes metrics.json. If yours writes the "
            f"shared layout, one line is enough: {ONE_LINE}"
        )
    return tuple(found)


def outputs(spec: ModelSpec, own: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Files that an own training program must leave: (archive, path), with what for in the docs."""
    wanted = [("output", "metrics.json"), ("model", f"code/{spec.serving.program}")]
    if spec.serving.program == SERVE and SERVE not in own:
        wanted += [("model", path) for path in LAYOUT]
    if any(limits is not None for _, limits in spec.conversion):
        wanted += [
            ("model", "saved_model/1/saved_model.pb"),
            ("model", "preprocess.json"),
            ("output", "calibration.npz"),
        ]
    return tuple(dict.fromkeys(wanted))


def told(wanted: Collection[tuple[str, str]]) -> str:
    """The list, as errors and reports say it."""
    places = {"model": "SM_MODEL_DIR", "output": "SM_OUTPUT_DATA_DIR"}
    return ", ".join(f"{places[where]}/{path}" for where, path in wanted)


def require_outputs(
    spec: ModelSpec, own: Collection[str], left: Collection[tuple[str, str]], job: str
) -> None:
    """A finished job must have left all that later stages read.

    Raises:
        TrainingFailed: every missing file is named at once.
    """
    if not trains_itself(spec, own):
        return
    missing = [item for item in outputs(spec, own) if item not in left]
    if missing:
        raise TrainingFailed(
            f"{job} ended well, but {spec.training.program} did not write {told(missing)}.",
            "Let it write them; docs/models.md lists what an own program must leave.",
        )


def require_comparable(spec: ModelSpec, own: Collection[str], champion: Manifest | None) -> bool:
    """Whether the champion will be measured beside the candidate.

    Raises:
        InvalidModelSpec: a gate compares with it, and nothing here can measure it.
    """
    if champion is None:
        return False
    if EVALUATE in own:
        return True
    paths = {file.path for file in champion.files}
    readable = {"preprocess.json", "model_card.json"} <= paths
    if readable and compares(spec, own):
        return True
    bounded = [g.metric for g in spec.gates if g.no_worse_than_champion is not None]
    if bounded:
        raise InvalidModelSpec(
            f"{spec.name}: champion {champion.version} was made by an own program, which the "
            f"shared {EVALUATE} cannot measure; the gate on {', '.join(bounded)} compares with it.",
            f"Add an own {EVALUATE}, or take no_worse_than_champion away for one release.",
        )
    return False
