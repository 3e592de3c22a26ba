"""Artefacts that somebody uploads instead of training them: noticed, kept, let in once.

The way: S3 notification → SQS queue → one Prefect event per upload → flow ``release-upload``.
"""

from tasks.uploads.inbox import Inbox, Open, Outcome
from tasks.uploads.notices import Upload, uploads_in

__all__ = ["Inbox", "Open", "Outcome", "Upload", "uploads_in"]
