"""Alarms that stand as long as an endpoint serves: they tell people, and change nothing.

Which should stand is `requests`, what differs from what stands `differences`; `keeping` acts.
"""
