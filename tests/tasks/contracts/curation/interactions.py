"""Interactions as the apps write them, made from a seed: one JSON object for each version."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2024, 1, 5, 9, tzinfo=UTC)
TYPES = ("ai_concierge", "form_submission", "partner_match", "demo_booking")


def stamp(moment):
    """As JavaScript writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def interaction(number, day=0, **changes):
    """The first version of an interaction: nothing came of it yet.

    Args:
        number: Which one.
        day: Days after the first of them.
        changes: Blocks that differ; None takes a block away.
    """
    rng = random.Random(number)
    at = START + timedelta(days=day, minutes=number)
    messages = [
        {
            "role": role,
            "content": f"Ich suche einen Partner für Dächer 🏠 {number}",
            "timestamp": stamp(at + timedelta(seconds=position)),
            "tokens": rng.randint(3, 400),
            "model": "assistant-4" if role == "assistant" else None,
        }
        for position, role in enumerate(("system", "user", "assistant"))
    ]
    record = {
        "interaction_id": str(UUID(int=number, version=4)),
        "session_id": str(UUID(int=1000 + number, version=4)),
        "user_id": f"user-{number}",
        "user_type": ("contractor", "partner", "admin")[number % 3],
        "timestamp": stamp(at),
        "interaction_type": TYPES[number % 4],
        "ai_conversation": {
            "messages": messages,
            "total_tokens": sum(message["tokens"] for message in messages),
            "cost": round(rng.uniform(0, 0.2), 4),
            "duration_ms": rng.randint(200, 90_000),
        },
        "outcomes": {
            "partner_matched": number % 2 == 0,
            "match_score": round(rng.random(), 3),
            "demo_booked": None,
            "deal_closed": None,
            "deal_value": None,
            "satisfaction_score": None,
        },
        "feedback": {
            "helpful": True,
            "accuracy": 4.5,
            "would_recommend": number % 5 > 0,
            "comments": "très utile",
        },
        "metadata": {
            "app_version": "2.3.1",
            "api_version": "v1",
            "client_ip": "203.0.113.7",
            "user_agent": "Mozilla/5.0",
            "referrer": "https://example.com/",
            "device_type": ("desktop", "mobile", "tablet")[number % 3],
            "location": {"country": "US", "state": "TX", "city": "Austin"},
        },
        "experiments": {
            "ai_model_version": "b",
            "ui_variant": "dark",
            "matching_algorithm": "v2",
        },
    } | changes
    return {name: value for name, value in record.items() if value is not ...}


def leaves(value, path=""):
    """(path, value) of every field; arrays stay whole."""
    if not isinstance(value, dict):
        yield path, value
        return
    for name, inner in value.items():
        yield from leaves(inner, f"{path}.{name}" if path else name)
