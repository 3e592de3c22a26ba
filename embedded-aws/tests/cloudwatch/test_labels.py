"""Labels tell series apart."""

import pytest

from embedded_aws.cloudwatch.labels import Origin, Source, default_labels, dynamic
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.math.values import TimeSeries
from embedded_aws.cloudwatch.store import MetricKey


def key(name="m", namespace="N", **dimensions):
    return MetricKey.of(namespace, name, dimensions)


@pytest.mark.parametrize(
    ("keys", "labels"),
    [
        ([key(v="1")], ["m"]),
        ([key(v="1", e="x"), key(v="2", e="x")], ["1", "2"]),
        ([key("a", v="1"), key("b", v="1")], ["a", "b"]),
        ([key("a", v="1"), key("b", v="2")], ["1 a", "2 b"]),
        ([key(namespace="N"), key(namespace="O")], ["N", "O"]),
    ],
)
def test_a_default_label_holds_what_differs(keys, labels):
    assert default_labels([Source(key, "Sum", 60) for key in keys]) == labels


@pytest.mark.parametrize(
    ("ways", "labels"),
    [
        ([("Sum", 60), ("Minimum", 60)], ["m Sum", "m Minimum"]),
        ([("Sum", 60), ("Sum", 30)], ["m 60", "m 30"]),
        ([("Sum", 60), ("Minimum", 30)], ["m Sum 60", "m Minimum 30"]),
        ([("Sum", 60), ("Sum", 60)], ["m", "m"]),
    ],
)
def test_one_metric_read_in_several_ways(ways, labels):
    assert default_labels([Source(key(), *way) for way in ways]) == labels


def test_dynamic_labels():
    origin = Origin(key("Errors", v="blue"), "Sum", 60, "us-east-1", "1")
    series = TimeSeries({0: 1.0, 60: 3.0})

    def label(text):
        return dynamic(text, series, origin, "default")

    assert label("plain") == "plain"
    assert label("${PROP('Dim.v')}/${PROP('MetricName')}/${PROP('Stat')}") == "blue/Errors/Sum"
    assert label("${LABEL} ${FIRST} ${LAST} ${MIN} ${MAX} ${AVG} ${SUM}") == "default 1 3 1 3 2 4"
    assert label("${DATAPOINT_COUNT} ${FIRST_LAST_RANGE} ${MIN_MAX_RANGE}") == "2 2 2"
    with pytest.raises(MathError, match=r"does not put \$\{MAX_TIME\}"):
        label("${MAX_TIME}")
    assert label("${PROP('Dim.none')} ${UNKNOWN}") == "${PROP('Dim.none')} ${UNKNOWN}"
    assert dynamic("${LAST}", TimeSeries({}), None, "") == "--"
