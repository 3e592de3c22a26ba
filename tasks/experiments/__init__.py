"""Experiments: two versions before users at the same time, read at any moment.

Pure: ``plan`` (what was asked), ``entries`` (what was recorded), ``blocks`` (what was counted),
``sequence`` and ``ratio`` (statistics), ``reading`` and ``decision``, ``page``. AWS: ``records``
(DynamoDB), ``store`` and ``assigned`` (S3). ``verbs`` puts them together; ``tasks`` is Prefect's
door.
"""
