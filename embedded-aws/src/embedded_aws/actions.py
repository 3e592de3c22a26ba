"""Every action of every service, and who answers it: ``python -m embedded_aws.actions``.

Prints docs/actions.md. What AWS has is botocore's own service model; what is answered here is read
from the services themselves, so that the table cannot promise what they do not do.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Any

from embedded_aws.embedded import EmbeddedAws
from embedded_aws.iam import simulation
from embedded_aws.moto_services import teach
from embedded_aws.served import SERVED

MODELS = {"monitoring": "cloudwatch"}
"""Names of botocore's models where they are not the signing names."""
BY_PATH = {"s3": "objects, versions, multipart uploads and settings of buckets", "cloudfront": ""}
"""Services that moto tells apart by path and query, so that no list can be read from it."""
WIDTH = 100
HEAD = """\
# Every action, and who answers it

Made by `python -m embedded_aws.actions` from the services themselves and from botocore's models of
AWS; a test holds this page to them. [reference.md](reference.md) says what each one does. **Ours**
is written here and real; **moto** has a handler of that name, and keeps what it is told; everything
else is **refused** by an error that names it. Services that are not listed are refused as a whole.
"""


def page() -> str:
    """The page, as Markdown."""
    with EmbeddedAws() as aws:
        ours = aws.actions
    sections = [HEAD]
    for service in sorted(ours):
        known = _operations(MODELS.get(service, service))
        sections.append(_section(service, {"Ours": ours[service]}, known))
    for service in sorted(SERVED):
        if service in BY_PATH:
            more = f": {BY_PATH[service]}" if BY_PATH[service] else ""
            sections.append(f"## {service}\n\nAnswered by moto, by path{more}.\n")
            continue
        known = _operations(service)
        sections.append(_section(service, {"moto": _of_moto(service, known)}, known))
    return "\n".join(sections)


def _section(service: str, answered: Mapping[str, Collection[str]], known: frozenset[str]) -> str:
    (who, actions), *_ = answered.items()
    refused = sorted(known - set(actions))
    return "\n".join(
        [
            f"## {service}",
            "",
            *_listed(who, sorted(actions)),
            "",
            *(_listed("Refused", refused) if refused else ["Nothing is refused."]),
            "",
        ]
    )


def _listed(who: str, actions: Collection[str]) -> Iterator[str]:
    yield from textwrap.wrap(f"**{who}** ({len(actions)}): {', '.join(actions)}.", WIDTH)


def _operations(service: str) -> frozenset[str]:
    import botocore.session

    model = botocore.session.get_session().get_service_model(service)
    return frozenset(model.operation_names)


def _of_moto(service: str, known: frozenset[str]) -> frozenset[str]:
    """Actions with a handler of their name, those that moto is taught here among them."""
    from botocore import xform_name

    teach(service)
    ours = simulation.ACTIONS if service == "iam" else frozenset()
    handlers: set[Any] = {
        getattr(handler, "__self__", None)
        for handler in import_module(f"moto.{service}.urls").url_paths.values()
    }
    return frozenset(
        action
        for action in known
        if action in ours or any(hasattr(one, xform_name(action)) for one in handlers)
    )


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
