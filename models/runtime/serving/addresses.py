"""Instances that say where their bytes lie: fetched while others are answered."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from models.runtime.images.fetching import PhotoHosts
from models.runtime.tables.cells import BadInput

MOST_ADDRESSES = 8
"""Photos that one request may let the server fetch."""


def has_addresses(instances: list[Any], key: str) -> bool:
    """Whether an instance says where its bytes lie."""
    return bool(key) and any(isinstance(one, dict) and key in one for one in instances)


async def fetched(instances: list[Any], key: str, hosts: PhotoHosts) -> list[Any]:
    """Instances that give an address with what lies there as ``b64``; others as they are.

    Raises:
        BadInput: an address may not be fetched, or there are too many.
        Unreachable: another server did not answer.
    """
    places = [n for n, one in enumerate(instances) if isinstance(one, dict) and key in one]
    if not key or not places:
        return instances
    if len(places) > MOST_ADDRESSES:
        raise BadInput(f"{len(places)} addresses; at most {MOST_ADDRESSES} in one request")

    async def one(number: int) -> dict[str, Any]:
        url = instances[number][key]
        if not isinstance(url, str) or "b64" in instances[number]:
            raise BadInput(f"instance {number}: {key} is an address as text, beside no b64")
        try:
            # On a thread: others must not wait for another server.
            content = await asyncio.to_thread(hosts.fetch, url)
        except BadInput as error:
            raise type(error)(f"instance {number}: {error}") from error
        return {key: url, "b64": base64.b64encode(content).decode("ascii")}

    answers = await asyncio.gather(*map(one, places), return_exceptions=True)
    fault = next((answer for answer in answers if isinstance(answer, BaseException)), None)
    if fault is not None:
        raise fault
    told = dict(zip(places, answers, strict=True))
    return [told.get(number, instance) for number, instance in enumerate(instances)]
