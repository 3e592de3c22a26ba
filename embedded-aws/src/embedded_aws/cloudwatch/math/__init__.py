"""Metric math: expressions over time series, as GetMetricData and alarms evaluate them."""
