"""Every error that Sluice raises, in one tree.

SluiceError
├── ConfigurationError            a file or a setting is wrong: correct it, then run again
│   ├── UnknownModel                  no folder models/<name>/
│   ├── InvalidModelSpec              models/<name>/model.yaml does not parse
│   ├── ContractMissing               no data contract for the data set
│   ├── InvalidContract               the data contract does not parse
│   └── InvalidSetting                an environment setting is missing or wrong
├── DataError                     the lake holds something else than promised
│   ├── BucketMissing                 the bucket does not exist or is not ours
│   ├── BucketUnversioned             the bucket keeps no versions, so nothing can be pinned
│   ├── NoDataInWindow                no object of the data set lies in the window
│   ├── LayoutUnknown                 no folder below the data set's prefix names a day
│   ├── LayoutAmbiguous               a day lies in two layouts: reading both might double it
│   ├── ObjectCorrupt                 size or checksum differ from what the lake says
│   ├── UnreadableData                an object cannot be decoded in its declared format
│   ├── ProfileIncompatible           two drift profiles were not made on the same grid
│   └── ContractViolated              more rows broke the contract than it allows
├── RecordUnreadable              a record that Sluice has stored does not parse
├── ResourceError                 this machine cannot carry the work
│   └── DiskFull                      the disk takes no more, or would not
├── TrainingError                 a training job did not end well
│   ├── TrainingFailed                the job ended Failed
│   ├── TrainingStopped               the job was stopped
│   └── BudgetExceeded                the job's worst case costs more than its budget
├── ArtefactError                 what belongs to an artefact could not be run
│   ├── ActFailed                     its processing job did not end well
│   └── NotApart                      nothing would keep it from the worker
├── GateRejected                  the candidate, or the rows to learn from, are not good enough
├── GateInconclusive              held-out rows do not show whether the candidate is good enough
├── GateUndecided                 the gate came to no judgement: a person must look
├── ConversionError               a model could not be brought into an edge format
│   ├── ParityExceeded                the converted model answers differently
│   └── ArtifactTooLarge              the converted file is over its size limit
├── RegistryError                 bundles and pointers
│   ├── VersionExists                 the version directory is already taken
│   ├── VersionUnknown                no such version
│   ├── BundleCorrupt                 a file differs from its manifest
│   │   └── BundleUnsigned                no trusted key vouches for the manifest
│   ├── NothingToPack                 no version has what an app's archive was asked for
│   ├── UploadRefused                 an uploaded artefact cannot be released
│   └── PointerMoved                  somebody else moved the pointer first      (retry helps)
├── ReleaseError                  putting a version before users
│   ├── ReleaseInProgress             another release owns the endpoint           (retry helps)
│   ├── ReleaseFrozen                 the last release ended in a mismatch
│   ├── LeaseLost                     another actor took the release over
│   └── ReleaseMismatch               what runs is not what was asked for
├── ExperimentError               an experiment cannot be read or changed
│   ├── InvalidExperiment             an experiment that cannot start; every fault is named
│   ├── ExperimentRunning             another experiment of the model is running
│   ├── ExperimentUnknown             the model has no such experiment
│   ├── ExperimentUndecided           the evidence is not there yet
│   ├── RecordsUnreadable             a file of records holds nothing that can be counted
│   └── ExperimentMoved               somebody else changed it in this moment    (retry helps)
└── AwsError                      AWS answered with an error
    ├── AwsThrottled                  too many requests                          (retry helps)
    ├── AwsUnavailable                no answer, or a fault on their side        (retry helps)
    ├── AwsDenied                     the role may not do this
    └── AwsRejected                   the request itself is wrong
"""

from __future__ import annotations


class SluiceError(Exception):
    """Base of the tree.

    Args:
        what: What is wrong, naming the thing and its value.
        next_step: What the reader can do now, as an imperative sentence.
    """

    retryable = False
    """Whether the same call may succeed later without a person's help."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what, next_step)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what} Next: {self.next_step}"


class ConfigurationError(SluiceError):
    """A file or a setting is wrong."""


class UnknownModel(ConfigurationError):
    """No such folder under models/."""


class InvalidModelSpec(ConfigurationError):
    """A model.yaml does not parse."""


class ContractMissing(ConfigurationError):
    """A data set has no contract."""


class InvalidContract(ConfigurationError):
    """A data contract does not parse."""


class InvalidSetting(ConfigurationError):
    """A setting is missing or wrong."""


class DataError(SluiceError):
    """The lake holds something else than promised."""


class BucketMissing(DataError):
    """The bucket does not exist or belongs to somebody else."""


class BucketUnversioned(DataError):
    """The bucket keeps no versions, so that a snapshot could change under us."""


class NoDataInWindow(DataError):
    """No object of the data set lies in the window."""


class LayoutUnknown(DataError):
    """Objects lie below the data set's prefix, and no folder names the day of any of them."""


class LayoutAmbiguous(DataError):
    """The same day lies in two layouts, so that reading both might double its rows."""


class ObjectCorrupt(DataError):
    """An object's size or checksum differs from what the lake says."""


class UnreadableData(DataError):
    """An object cannot be decoded in its declared format."""


class ProfileIncompatible(DataError):
    """Two drift profiles were not made on the same grid."""


class AlarmUnheard(DataError):
    """An alarm was raised, and the run that it should start did not begin."""


class ContractViolated(DataError):
    """More rows broke the contract than it allows."""


class RecordUnreadable(SluiceError):
    """A record that Sluice has stored does not parse."""


class ResourceError(SluiceError):
    """This machine cannot carry the work."""


class DiskFull(ResourceError):
    """The disk takes no more, or would not."""


class TrainingError(SluiceError):
    """A training job did not end well."""


class TrainingFailed(TrainingError):
    """The job ended Failed."""


class TrainingStopped(TrainingError):
    """The job was stopped."""


class BudgetExceeded(TrainingError):
    """The job's worst case costs more than its budget."""


class ArtefactError(SluiceError):
    """What belongs to an artefact could not be run."""


class ActFailed(ArtefactError):
    """The processing job that runs an artefact's programs did not end well."""


class NotApart(ArtefactError):
    """In production, nothing would keep an artefact's programs from the worker."""


class GateRejected(SluiceError):
    """The candidate, or the rows that it would be learned from, are not good enough."""


class GateInconclusive(SluiceError):
    """The held-out rows do not show whether the candidate is good enough, nor that it is not."""


class GateUndecided(SluiceError):
    """The gate came to no judgement: a metric is missing, or answers that were asked for."""


class ConversionError(SluiceError):
    """A model could not be brought into an edge format."""


class ParityExceeded(ConversionError):
    """The converted model answers differently from the original."""


class ArtifactTooLarge(ConversionError):
    """A converted file is over its size limit."""


class RegistryError(SluiceError):
    """Bundles and pointers."""


class VersionExists(RegistryError):
    """The version directory is already taken."""


class VersionUnknown(RegistryError):
    """No such version in the registry."""


class BundleCorrupt(RegistryError):
    """A file of a bundle differs from its manifest."""


class BundleUnsigned(BundleCorrupt):
    """No trusted key vouches for the manifest of a bundle."""


class NothingToPack(RegistryError):
    """No version has what an app's archive was asked for, or it would be too large for one."""


class UploadRefused(RegistryError):
    """An uploaded artefact is gone, was replaced, or is no model that can be served."""


class PointerMoved(RegistryError):
    """Somebody else moved the pointer first."""

    retryable = True


class ReleaseError(SluiceError):
    """Putting a version before users."""


class ReleaseInProgress(ReleaseError):
    """Another release owns the endpoint."""

    retryable = True


class ReleaseFrozen(ReleaseError):
    """The last release ended in a mismatch that a person must clear."""


class TooFewRequests(ReleaseError):
    """A canary could not be proven before its deadline, whatever the version is."""


class LeaseLost(ReleaseError):
    """Another actor took the release over."""


class ReleaseMismatch(ReleaseError):
    """What runs is not what was asked for."""


class ExperimentError(SluiceError):
    """An experiment cannot be read or changed."""


class InvalidExperiment(ExperimentError):
    """An experiment that cannot start."""


class ExperimentRunning(ExperimentError):
    """Another experiment of the model is running."""


class ExperimentUnknown(ExperimentError):
    """The model has no such experiment."""


class ExperimentUndecided(ExperimentError):
    """The evidence is not there yet."""


class RecordsUnreadable(ExperimentError):
    """A file of records holds nothing that can be counted."""


class ExperimentMoved(ExperimentError):
    """Somebody else changed the experiment in this moment."""

    retryable = True


class AwsError(SluiceError):
    """AWS answered with an error.

    Args:
        what: What was asked, and what AWS said.
        next_step: What the reader can do now.
        code: The AWS error code, e.g. ``ValidationException``.
    """

    def __init__(self, what: str, next_step: str, code: str = "") -> None:
        super().__init__(what, next_step)
        self.code = code


class AwsThrottled(AwsError):
    """Too many requests."""

    retryable = True


class AwsUnavailable(AwsError):
    """No answer, or a fault on their side."""

    retryable = True


class AwsDenied(AwsError):
    """The role may not do this."""


class AwsRejected(AwsError):
    """The request itself is wrong."""
