"""SEARCH, by the examples of the user guide."""

import pytest

from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.search import MAX_RESULTS, search, tokens
from embedded_aws.cloudwatch.store import MetricKey

KEYS = [
    MetricKey.of("AWS/EC2", "CPUUtilization", {"InstanceId": "i-1234567890123456"}),
    MetricKey.of("AWS/EC2", "CPUUtilization", {"InstanceId": "i-2"}),
    MetricKey.of("AWS/EC2", "CPUUtilization", {"InstanceType": "t2.micro"}),
    MetricKey.of("AWS/EC2", "NetworkPacketsIn", {"InstanceId": "i-2"}),
    MetricKey.of("AWS/EBS", "VolumeReadOps", {"VolumeId": "ProjectA-1"}),
    MetricKey.of("AWS/Lambda", "Errors", {"FunctionName": "ProjectB"}),
    MetricKey.of("AWS/Lambda", "Invocations", {"FunctionName": "ProjectB"}),
    MetricKey.of("AWS/Lambda", "Invocations", {"FunctionName": "other"}),
    MetricKey.of("MyNamespace", "CustomCount1", {}),
    MetricKey.of("My Namespace", "Custom:Name[Special_Characters", {"Dimension@Name": "x"}),
    MetricKey.of("Net", "Network-Errors-2", {}),
    MetricKey.of("Europe", "Europe\\France Traffic(Network)", {}),
]


def found(term):
    return {KEYS.index(key) for key in search(term, KEYS)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CustomCount1", ("Custom", "Count", "1")),
        ("SDBFailure", ("SDB", "Failure")),
        ("Project2-trial333", ("Project", "2", "trial", "333")),
        ("Network-Errors_2", ("Network", "Errors", "2")),
        ("couNT", ("cou", "NT")),
    ],
)
def test_names_fall_into_tokens(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("{AWS/EC2,InstanceId}", {0, 1, 3}),
        ("{AWS/EC2, InstanceType}", {2}),
        ("{AWS/EC2}", {0, 1, 2, 3}),
        ('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', {0, 1}),
        ('{MyNamespace}, "CustomCount1"', {8}),
        ('{MyNamespace}, "customcount1"', set()),
        ('{MyNamespace}, "Custom"', set()),
        ('{"My Namespace", "Dimension@Name"}, "Custom:Name[Special_Characters"', {9}),
        # One token matches in any case, several consecutive ones in their own.
        ("{MyNamespace} count", {8}),
        ("{MyNamespace} COUNT", {8}),
        ("{MyNamespace} couNT", set()),
        ("{MyNamespace} CustomCount", {8}),
        ("{MyNamespace} Count1", {8}),
        ("{MyNamespace} customcount", set()),
        ("{Net} Network_Errors", {10}),
        ("{Net} Network+Errors", {10}),
        ('"Network-Errors-2"', {10}),
        ('"Network_Errors_2"', set()),
        (r'"Europe\\France Traffic\(Network\)"', {11}),
        ("InstanceType=micro", {2}),
        ('InstanceType="t2.micro" Namespace="AWS/EC2"', {2}),
        ("{AWS/EC2,InstanceId} network AND packets", {3}),
        ("{AWS/EC2,InstanceId} network packets", {3}),
        ('{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456', {1}),
        ("NOT Namespace=AWS", {8, 9, 10, 11}),
        ("(EC2 OR EBS) AND MetricName=ReadOps", {4}),
        ("(EC2 OR EBS) MetricName=ReadOps", {4}),
        ("(EC2 OR EBS) AND ReadOps AND ProjectA", {4}),
        (
            '{AWS/Lambda,FunctionName} MetricName="Errors" OR '
            '(MetricName="Invocations" AND (ProjectA OR ProjectB))',
            {5, 6},
        ),
        ("InstanceId=(i-2 OR i-3)", {1, 3}),
        ('MetricName=("Errors" OR "CustomCount1")', {5, 8}),
    ],
)
def test_a_search(term, expected):
    assert found(term) == expected


@pytest.mark.parametrize(
    ("term", "why"),
    [
        ("", "needs a metric schema"),
        ("{}", "names no namespace"),
        ("(a", "not closed"),
        ("a OR", "missing"),
        ("a )", "unexpected"),
        ("!!", "no letter or digit"),
        ("x" * 1025, "1024"),
    ],
)
def test_a_broken_search_says_why(term, why):
    with pytest.raises(MathError, match=why):
        search(term, KEYS)


def test_results_are_limited():
    many = [MetricKey.of("N", f"m{i}", {}) for i in range(200)]
    assert len(search("{N}", many)) == MAX_RESULTS
