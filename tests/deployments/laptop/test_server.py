"""Prefect's transactions on SQLite: the trap is still there, and ours waits instead."""

import asyncio

import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration

from deployments.laptop.server import ask_at_the_beginning


class Waiting(AioSqliteConfiguration):
    """Prefect's configuration as our server runs it."""


ask_at_the_beginning(Waiting)


async def two_writers(configuration, path) -> int:
    """Two that read, wait a little and write, at the same time; the sum of what they wrote."""
    database = configuration(connection_url=f"sqlite+aiosqlite:///{path}")
    engine = await database.engine()
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
        await connection.execute(sa.text("INSERT INTO t VALUES (0)"))

    async def add() -> None:
        session = await database.session(engine)
        async with session, database.begin_transaction(session):
            await session.execute(sa.text("SELECT n FROM t"))
            await asyncio.sleep(0.2)
            await session.execute(sa.text("UPDATE t SET n = n + 1"))

    outcomes = await asyncio.gather(add(), add(), return_exceptions=True)
    async with engine.connect() as connection:
        total = (await connection.execute(sa.text("SELECT n FROM t"))).scalar_one()
    await engine.dispose()
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    return total


def test_prefects_own_transactions_are_refused_at_once(tmp_path):
    """When this fails, Prefect has mended it, and deployments/laptop/server.py can go."""
    with pytest.raises(sa.exc.OperationalError, match="database is locked"):
        asyncio.run(two_writers(AioSqliteConfiguration, tmp_path / "stock.db"))


def test_ours_wait_for_their_turn(tmp_path):
    assert asyncio.run(two_writers(Waiting, tmp_path / "ours.db")) == 2
