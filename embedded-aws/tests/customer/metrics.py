"""Measurements as PutMetricData takes them, and questions as GetMetricData takes them."""

import datetime as dt


def seconds(number):
    return dt.timedelta(seconds=number)


def datum(name="m", timestamp=None, dimensions=None, **more):
    made = {"MetricName": name, "Timestamp": timestamp, **more}
    if dimensions:
        made["Dimensions"] = [{"Name": k, "Value": v} for k, v in dimensions.items()]
    return {k: v for k, v in made.items() if v is not None}


def query(name, namespace, metric="m", stat="Sum", period=60, dimensions=None, **more):
    dimensions = [{"Name": k, "Value": v} for k, v in (dimensions or {}).items()]
    metric = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


def get(cloudwatch, queries, start, end, **more):
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=start, EndTime=end,
        **{"ScanBy": "TimestampAscending", **more},
    )  # fmt: skip
    return answer["MetricDataResults"]
