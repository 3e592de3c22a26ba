"""What several policies say together: deny before allow, and nothing without either."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.iam.evaluation import Policies, decide
from embedded_aws.iam.policy import Policy, PolicyError, Question

ACCOUNT = "123456789012"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
READ = Question("s3:GetObject", "arn:aws:s3:::lake/a", principal=ANN, account=ACCOUNT)


def policy(*statements, source=""):
    return Policy.read(
        {"Version": "2012-10-17", "Statement": [{"Resource": "*", **one} for one in statements]},
        source,
    )


def allow(action="s3:GetObject", **more):
    return policy({"Effect": "Allow", "Action": action, **more})


def deny(action="s3:GetObject", **more):
    return policy({"Effect": "Deny", "Action": action, **more})


@pytest.mark.parametrize(
    ("policies", "outcome"),
    [
        (Policies(), "implicitDeny"),
        (Policies(identity=(allow(),)), "allowed"),
        (Policies(identity=(allow("S3:get*"),)), "allowed"),
        (Policies(identity=(allow("s3:PutObject"),)), "implicitDeny"),
        (Policies(identity=(allow("*"), deny())), "explicitDeny"),
        (Policies(identity=(allow(),), resource=(deny(Principal="*"),)), "explicitDeny"),
        (Policies(resource=(allow(Principal={"AWS": ANN}),)), "allowed"),
        (Policies(resource=(allow(Principal={"AWS": ACCOUNT}),)), "implicitDeny"),
        (Policies(identity=(allow(),), resource=(allow(Principal={"AWS": ACCOUNT}),)), "allowed"),
        (Policies((allow(),), (deny(Principal={"AWS": ACCOUNT}),)), "explicitDeny"),
        (Policies(resource=(allow(Principal="*"),), boundary=()), "allowed"),
        (Policies(resource=(allow(Principal={"AWS": ANN.replace("ann", "bob")}),)), "implicitDeny"),
        (Policies(resource=(allow(NotPrincipal={"AWS": ANN}),)), "implicitDeny"),
        (Policies(identity=(allow(),), boundary=()), "implicitDeny"),
        (Policies(identity=(allow(),), boundary=(allow("s3:*"),)), "allowed"),
        (Policies(identity=(), boundary=(allow("*"),)), "implicitDeny"),
        (Policies(identity=(allow("*"),), session=(allow("s3:Put*"),)), "implicitDeny"),
        (Policies(identity=(allow("*"),), session=(allow(),)), "allowed"),
        (
            Policies(identity=(allow("*"),), boundary=(allow("*"),), session=(deny(),)),
            "explicitDeny",
        ),
        (
            Policies(identity=(policy({"Effect": "Allow", "NotAction": "iam:*"}),)),
            "allowed",
        ),
        (
            Policies(identity=(policy({"Effect": "Allow", "NotAction": "s3:*"}),)),
            "implicitDeny",
        ),
    ],
)
def test_what_policies_say_together(policies, outcome):
    assert decide(READ, policies).outcome == outcome


@given(
    st.lists(st.sampled_from([allow(), allow("s3:Put*"), allow("*"), deny("s3:Put*")]), max_size=5)
)
def test_a_deny_is_final_and_more_allows_never_take_anything_away(policies):
    before = decide(READ, Policies(identity=tuple(policies)))
    assert decide(READ, Policies(identity=(*policies, deny()))).outcome == "explicitDeny"
    more = decide(READ, Policies(identity=(*policies, allow())))
    assert more.outcome == "allowed"
    assert before.outcome in {"allowed", "implicitDeny"}


def test_resources_are_among_those_or_not_among_those():
    mine = "arn:aws:s3:::lake/*"
    assert decide(READ, Policies(identity=(allow(Resource=[mine]),))).outcome == "allowed"
    other = Policies(identity=(allow(Resource="arn:aws:s3:::other/*"),))
    assert decide(READ, other).outcome == "implicitDeny"
    statement = {"Effect": "Allow", "Action": "*", "NotResource": mine}
    document = {"Version": "2012-10-17", "Statement": statement}
    assert decide(READ, Policies(identity=(Policy.read(document),))).outcome == "implicitDeny"


def test_a_decision_names_what_decided_and_what_was_not_known():
    tagged = allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "ads"}})
    decision = decide(READ, Policies(identity=(tagged,)))
    assert decision.outcome == "implicitDeny"
    assert decision.missing == {"aws:PrincipalTag/team"}
    named = policy({"Effect": "Allow", "Action": "s3:*"}, source="readers")
    [matched] = decide(READ, Policies(identity=(named,))).matched
    assert matched.source == "readers"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "Syntax errors"),
        ("[]", "no object"),
        ({}, "no Statement"),
        ({"Version": "2020-01-01", "Statement": []}, "version"),
        ({"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}}, "Effect is 'Maybe'"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "must contain actions"),
        ({"Statement": {"Effect": "Allow", "Action": "*"}}, "must contain resources"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*"}}, "NotAction"),
        ({"Statement": {"Effect": "Allow", "Action": 1, "Resource": "*"}}, "holds 1"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Actoin": 1}}, "Actoin"),
        (
            {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                           "Condition": {"StringIs": {"a": "b"}}}},
            "Invalid Condition type : StringIs",
        ),
    ],
)  # fmt: skip
def test_what_is_no_policy_says_why(document, said):
    for form in (document, document if isinstance(document, str) else json.dumps(document)):
        with pytest.raises(PolicyError, match=said):
            Policy.read(form)


def test_what_a_role_is_given_is_bounded_and_what_its_session_is_given_is_not():
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
    question = Question(READ.action, READ.resource, principal=session, role=role, account=ACCOUNT)
    for named, bounds, outcome in (
        (role, {}, "allowed"),
        (role, {"boundary": ()}, "implicitDeny"),
        (role, {"session": (allow("sqs:*"),)}, "implicitDeny"),
        (session, {"boundary": ()}, "allowed"),
        (session, {"session": (allow("sqs:*"),)}, "allowed"),
    ):
        given = (allow(Principal={"AWS": named}),)
        assert decide(question, Policies(resource=given, **bounds)).outcome == outcome
