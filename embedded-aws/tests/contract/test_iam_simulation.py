"""What SimulatePrincipalPolicy and SimulateCustomPolicy tell of users, roles and policies."""

import json

import pytest
from botocore.exceptions import ClientError

OBJECT = "arn:aws:s3:::lake/a"


@pytest.fixture(scope="module")
def iam(aws):
    return aws.client("iam")


def document(effect="Allow", action="s3:GetObject", resource="arn:aws:s3:::lake/*", **more):
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def role(iam):
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    made = iam.create_role(
        RoleName="trainer",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="trainer", PolicyName="lake", PolicyDocument=document())
    arn = iam.create_policy(
        PolicyName="no-secrets", PolicyDocument=document("Deny", "secretsmanager:*", "*")
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="trainer", PolicyArn=arn)
    return made


def test_a_policy_that_cloudformation_makes_is_told_as_one(aws, iam):
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "of-a-stack",
            "AssumeRolePolicyDocument": json.loads(document(action="sts:AssumeRole")),
            "Policies": [{"PolicyName": "own", "PolicyDocument": json.loads(document())}],
        },
    }
    aws.client("cloudformation").create_stack(
        StackName="a-role", TemplateBody=json.dumps({"Resources": {"Role": role}})
    )
    told = iam.get_role_policy(RoleName="of-a-stack", PolicyName="own")["PolicyDocument"]
    assert told == json.loads(document())


def decided(iam, arn, actions, **more):
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn, ActionNames=actions, **more
    )
    return {
        (one["EvalActionName"], one["EvalResourceName"]): one
        for page in pages
        for one in page["EvaluationResults"]
    }


def test_a_roles_inline_and_managed_policies_decide_and_are_named(iam, role):
    told = decided(
        iam,
        role,
        ["s3:GetObject", "s3:PutObject", "secretsmanager:GetSecretValue"],
        ResourceArns=[OBJECT],
    )
    assert {action: one["EvalDecision"] for (action, _), one in told.items()} == {
        "s3:GetObject": "allowed",
        "s3:PutObject": "implicitDeny",
        "secretsmanager:GetSecretValue": "explicitDeny",
    }
    [statement] = told["s3:GetObject", OBJECT]["MatchedStatements"]
    assert statement["SourcePolicyType"] == "role"
    assert statement["SourcePolicyId"].endswith("lake")
    [specific] = told["s3:GetObject", OBJECT]["ResourceSpecificResults"]
    assert specific["EvalResourceDecision"] == "allowed"


def test_each_resource_is_asked_by_itself_and_all_of_them_where_none_is_named(iam, role):
    other = "arn:aws:s3:::other/a"
    told = decided(iam, role, ["s3:GetObject"], ResourceArns=[OBJECT, other])
    assert told["s3:GetObject", OBJECT]["EvalDecision"] == "allowed"
    assert told["s3:GetObject", other]["EvalDecision"] == "implicitDeny"
    assert decided(iam, role, ["s3:GetObject"])["s3:GetObject", "*"]["EvalDecision"] == (
        "implicitDeny"
    )


def test_a_user_has_what_the_groups_have_and_no_more_than_the_boundary(iam):
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="lake", PolicyDocument=document())
    assert decided(iam, arn, ["s3:GetObject"], ResourceArns=[OBJECT])[
        "s3:GetObject", OBJECT
    ]["EvalDecision"] == "implicitDeny"  # fmt: skip
    iam.add_user_to_group(UserName="ann", GroupName="readers")
    asked = {"ResourceArns": [OBJECT]}
    allowed = decided(iam, arn, ["s3:GetObject"], **asked)["s3:GetObject", OBJECT]
    assert allowed["EvalDecision"] == "allowed"
    assert allowed["MatchedStatements"][0]["SourcePolicyType"] == "group"
    bound = decided(
        iam, arn, ["s3:GetObject"], **asked,
        PermissionsBoundaryPolicyInputList=[document(action="s3:PutObject")],
    )["s3:GetObject", OBJECT]  # fmt: skip
    assert bound["EvalDecision"] == "implicitDeny"
    assert bound["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] is False


def test_conditions_are_asked_of_the_entries_and_what_is_missing_is_told(iam):
    written = document(Condition={"StringEquals": {"aws:PrincipalTag/team": "ads"}})
    asked = {
        "PolicyInputList": [written],
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [OBJECT],
    }
    [told] = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    assert told["EvalDecision"] == "implicitDeny"
    assert told["MissingContextValues"] == ["aws:PrincipalTag/team"]
    entry = {
        "ContextKeyName": "aws:principaltag/TEAM",
        "ContextKeyValues": ["ads"],
        "ContextKeyType": "string",
    }
    [told] = iam.simulate_custom_policy(**asked, ContextEntries=[entry])["EvaluationResults"]
    assert told["EvalDecision"] == "allowed"
    assert told["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"


def test_what_is_no_policy_or_nobody_is_refused(iam):
    with pytest.raises(ClientError) as refused:
        iam.simulate_custom_policy(PolicyInputList=["{}"], ActionNames=["s3:GetObject"])
    assert refused.value.response["Error"]["Code"] == "InvalidInput"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::123456789012:role/nobody", ActionNames=["s3:GetObject"]
        )
    with pytest.raises(ClientError, match="does not simulate ResourceHandlingOption"):
        iam.simulate_custom_policy(
            PolicyInputList=[document()],
            ActionNames=["ec2:RunInstances"],
            ResourceHandlingOption="EC2-VPC-InstanceStore",
        )


def test_results_come_in_pages(iam):
    actions = [f"s3:Action{number}" for number in range(7)]
    first = iam.simulate_custom_policy(
        PolicyInputList=[document(action="*", resource="*")], ActionNames=actions, MaxItems=4
    )
    assert first["IsTruncated"]
    assert len(first["EvaluationResults"]) == 4
    rest = iam.simulate_custom_policy(
        PolicyInputList=[document(action="*", resource="*")],
        ActionNames=actions,
        Marker=first["Marker"],
    )
    assert not rest["IsTruncated"]
    assert [one["EvalActionName"] for one in rest["EvaluationResults"]] == actions[4:]
