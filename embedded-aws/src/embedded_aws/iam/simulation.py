"""SimulatePrincipalPolicy, SimulateCustomPolicy: what would be allowed, by which statement."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any
from urllib.parse import parse_qsl

from embedded_aws.iam.evaluation import Decision, Policies, decide
from embedded_aws.iam.identities import Identity, identity
from embedded_aws.iam.policy import Policy, PolicyError, Question, Statement
from embedded_aws.protocol.query import from_form, to_xml
from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.world import ACCOUNT_ID

ACTIONS = frozenset({"SimulatePrincipalPolicy", "SimulateCustomPolicy"})
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_PAGE = 100
_REFUSED = (
    "PolicyExclusionList",
    "OrderedOrganizationPolicyInputList",
    "ResourceHandlingOption",
    "ResourceOwner",
)


def answer(request: Request) -> Response:
    """Answer a simulation.

    Raises:
        AwsFault: ``NoSuchEntity`` for a principal that is not there, ``InvalidInput`` for what is
            not of the grammar, ``ValidationError`` for what the embedded AWS does not simulate.
    """
    operation = _model().operation_model(request.action)
    form = dict(parse_qsl(request.body.decode() or request.query, keep_blank_values=True))
    asked = from_form(operation.input_shape, form, "")
    for name in _REFUSED:
        if asked.get(name):
            raise AwsFault("ValidationError", f"The embedded AWS does not simulate {name}.")
    try:
        results = list(_results(asked))
    except PolicyError as error:
        raise AwsFault("InvalidInput", str(error)) from error
    xml = to_xml(operation.output_shape, _page(results, asked))
    name = request.action
    body = (
        f'<{name}Response xmlns="{_NAMESPACE}"><{name}Result>{xml}</{name}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{name}Response>"
    )
    return Response(200, body.encode(), {"content-type": "text/xml"})


def _results(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    who = _principal(asked["PolicySourceArn"]) if "PolicySourceArn" in asked else None
    boundary = asked.get("PermissionsBoundaryPolicyInputList")
    policies = Policies(
        identity=(
            *(who.policies if who else ()),
            *_given(asked.get("PolicyInputList") or (), "PolicyInputList"),
        ),
        resource=tuple(
            Policy.read(document, "ResourcePolicy", "resource")
            for document in (asked.get("ResourcePolicy"),)
            if document
        ),
        boundary=tuple(_given(boundary, "PermissionsBoundaryPolicyInputList"))
        if boundary
        else (who.boundary if who else None),
    )
    caller = asked.get("CallerArn") or (who.arn if who else "")
    context = {
        entry["ContextKeyName"].lower(): tuple(entry.get("ContextKeyValues") or ())
        for entry in asked.get("ContextEntries") or ()
    }
    for action, resource in product(asked["ActionNames"], asked.get("ResourceArns") or ["*"]):
        question = Question(action, resource, context, caller, account=ACCOUNT_ID)
        yield _told(question, decide(question, policies))


def _principal(arn: str) -> Identity:
    found = identity(arn)
    if found is None:
        raise AwsFault("NoSuchEntity", f"The entity {arn} cannot be found.", 404)
    return found


def _given(documents: Sequence[str], name: str) -> Iterator[Policy]:
    for number, document in enumerate(documents, start=1):
        yield Policy.read(document, f"{name}.{number}")


def _told(question: Question, decision: Decision) -> dict[str, Any]:
    of_resource: dict[str, Any] = {
        "MatchedStatements": [_source(one) for one in decision.matched],
        "MissingContextValues": sorted(decision.missing),
    }
    if decision.within_boundary is not None:
        of_resource["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": decision.within_boundary
        }
    specific = {
        **of_resource,
        "EvalResourceName": question.resource,
        "EvalResourceDecision": decision.outcome,
    }
    return {
        **of_resource,
        "EvalActionName": question.action,
        "EvalResourceName": question.resource,
        "EvalDecision": decision.outcome,
        "ResourceSpecificResults": [] if question.resource == "*" else [specific],
    }


def _source(statement: Statement) -> dict[str, str]:
    return {"SourcePolicyId": statement.source, "SourcePolicyType": statement.kind}


def _page(results: Sequence[dict[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    marker = asked.get("Marker") or "0"
    if not marker.isdigit():
        raise AwsFault("ValidationError", f"Invalid Marker {marker!r}.")
    begin = int(marker)
    end = begin + int(asked.get("MaxItems") or _PAGE)
    more = {"Marker": str(end)} if end < len(results) else {}
    return {"EvaluationResults": results[begin:end], "IsTruncated": bool(more), **more}


@cache
def _model() -> Any:
    import botocore.session

    return botocore.session.Session().get_service_model("iam")
