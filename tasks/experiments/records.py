"""Records in DynamoDB: each event once, each user counted once, whoever dies where.

Items, all of which expire::

    <id>#user#<user>   user            arm, due, sums so far, revision; counted, once he is
    <id>#user#<user>   event#<event>   exists when the event was recorded
    <id>#due#<day>     <due>#<user>    a user who is not counted yet
    <id>#counted       <block>#<slice>#<arm>   sums of the users who were counted there
    <id>#counted       late            records that came after their user had been counted

Every step is one transaction whose conditions say what it was decided on; a transaction that was
refused is decided anew from what is there. So a record that is repeated, a lost answer, and a
process that dies at any line leave the same sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tasks.experiments.blocks import Cell, block_of, part, slice_of
from tasks.experiments.entries import Recorded, UserEvent
from tasks.experiments.plan import ARMS, DAY, Arm, Experiment
from tasks.experiments.table import (
    FAILED,
    TOGETHER,
    TRIES,
    Item,
    Table,
    crowded,
    give_way,
    number,
    text,
    whole,
)

KEPT_SECONDS = 30 * DAY
"""Records stay so long after the end of their experiment; then DynamoDB removes them."""
EVENTS_TOGETHER = 90
USERS_TOGETHER = 40
"""Each counted user is two acts of a transaction, which holds a hundred."""
CELLS_TOGETHER = 16
WORKERS = 8


@dataclass(frozen=True)
class RecordedTotals:
    """Everything a reading needs; ``pending`` in (treatment, control)."""

    cells: tuple[Cell, ...]
    pending: tuple[int, int]
    late: int


@dataclass(frozen=True)
class Records:
    """The records of one experiment in a table."""

    name: str
    experiment: Experiment

    @property
    def table(self) -> Table:
        """The experiment's part of the table."""
        experiment = self.experiment
        expires = experiment.ends + experiment.window_seconds + KEPT_SECONDS
        return Table(self.name, experiment.id, expires)

    def record(self, users: Mapping[str, Sequence[UserEvent]], now: float) -> Recorded:
        """Record events of users; what was recorded before is not recorded again.

        Args:
            users: Events by user id.
            now: Unix time, seconds: when a new user enters.

        Raises:
            ExperimentMoved: others kept writing the same user in the same moment.
            AwsError: AWS did not answer; repeating the same call is safe.
        """
        names = list(users)
        total = Recorded()
        with ThreadPoolExecutor(WORKERS) as pool:
            for start in range(0, len(names), TOGETHER):
                some = names[start : start + TOGETHER]
                known = self._users(some)
                arguments = [(user, users[user], known.get(user), now) for user in some]
                total = sum(pool.map(lambda one: self._user(*one), arguments), total)
        return total

    def settle(self, now: float) -> int:
        """Count every user whose window is over; the number of users counted by this call."""
        counted = 0
        some: list[tuple[str, float]] = []
        for one in self._due(now):
            some.append(one)
            if len(some) == USERS_TOGETHER:
                counted += self._count(some)
                some = []
        return counted + self._count(some)

    def tally(self, now: float) -> RecordedTotals:
        """What was counted and what is pending."""
        cells, late = [], 0
        for item in self.table.query("counted"):
            if item["sk"]["S"] == "late":
                late = whole(item, "records")
            else:
                cells.append(_cell(item))
        waiting = [0, 0]
        for day in self._days(now + self.experiment.window_seconds):
            for item in self.table.query(f"due#{day}"):
                waiting[ARMS.index(_arm(item))] += 1
        return RecordedTotals(cells=tuple(cells), pending=(waiting[0], waiting[1]), late=late)

    # -- recording ---------------------------------------------------------------------------

    def _user(
        self, user: str, entries: Sequence[UserEvent], known: Item | None, now: float
    ) -> Recorded:
        total = Recorded()
        for start in range(0, len(entries), EVENTS_TOGETHER):
            if start:
                known = self._users([user]).get(user)
            total += self._events(user, entries[start : start + EVENTS_TOGETHER], known, now)
        return total

    def _events(
        self, user: str, entries: Sequence[UserEvent], known: Item | None, now: float
    ) -> Recorded:
        repeated = 0
        for attempt in range(TRIES):
            if not entries or (known is None and now >= self.experiment.ends):
                return Recorded(ended=len(entries), repeated=repeated)
            late = known is not None and "counted" in known
            acts = [self._event(user, entry) for entry in entries]
            if late:
                acts.append(
                    self.table.update(self.table.key("counted", "late"), {"records": len(entries)})
                )
            elif known is None:
                acts += self._enter(user, entries, now)
            else:
                acts.append(self._add(user, entries))
            refused = self.table.transact(f"record {user}", acts)
            if refused is None:
                return Recorded(
                    events=0 if late else len(entries),
                    entered=int(known is None),
                    repeated=repeated,
                    late=len(entries) if late else 0,
                )
            fresh = [e for e, why in zip(entries, refused, strict=False) if why != FAILED]
            repeated += len(entries) - len(fresh)
            entries = fresh
            give_way(attempt, refused)
            known = self._users([user]).get(user)
        raise crowded(f"the records of user {user!r}")

    def _event(self, user: str, entry: UserEvent) -> Item:
        key = self.table.key(f"user#{user}", f"event#{entry.event}")
        return self.table.put(key, {}, new=True)

    def _enter(self, user: str, entries: Sequence[UserEvent], now: float) -> list[Item]:
        due = now + self.experiment.window_seconds
        standing = {"arm": text(self.experiment.arm_of(user)), "due": number(due)}
        sums = {f"m_{name}": number(amount) for name, amount in _amounts(entries).items()}
        sums |= {name: number(1) for name in self._crossed(user, entries)}
        return [
            self.table.put(self._key(user), {**standing, **sums, "revision": number(1)}, new=True),
            self.table.put(self._due_key(user, due), {**standing, "user": text(user)}),
        ]

    def _add(self, user: str, entries: Sequence[UserEvent]) -> Item:
        adds = {f"m_{name}": amount for name, amount in _amounts(entries).items()}
        return self.table.update(
            self._key(user),
            {**adds, "revision": 1},
            sets=self._crossed(user, entries),
            condition="attribute_exists(pk) AND attribute_not_exists(counted)",
        )

    def _crossed(self, user: str, entries: Iterable[UserEvent]) -> dict[str, int]:
        version = self.experiment.version_of(self.experiment.arm_of(user))
        return {"crossed": 1} if any(e.version not in {"", version} for e in entries) else {}

    # -- counting ----------------------------------------------------------------------------

    def _due(self, now: float) -> Iterator[tuple[str, float]]:
        """Users whose window is over, in the order in which it ended."""
        for day in self._days(now):
            for item in self.table.query(f"due#{day}", until=f"{_moment(now)}#~"):
                yield item["user"]["S"], float(item["due"]["N"])

    def _count(self, due: Sequence[tuple[str, float]]) -> int:
        """Count users, many in one transaction; who changed meanwhile is read again."""
        counted = attempt = 0
        while due:
            users = self._users([user for user, _ in due])
            acts: list[Item] = []
            cells: dict[tuple[int, int, Arm], Cell] = {}
            batch: list[tuple[str, float]] = []
            later: list[tuple[str, float]] = []
            for user, at in due:
                item = users.get(user)
                if item is None or "counted" in item:
                    continue  # counted by somebody else since the list was read
                experiment = self.experiment
                place = (block_of(experiment, at), slice_of(experiment, user), _arm(item))
                if place not in cells and len(cells) == CELLS_TOGETHER:
                    later.append((user, at))
                    continue
                cells[place] = self._with(cells.get(place, Cell(*place, 0, 0, {})), item)
                acts += self._counting(user, at, item, place[0])
                batch.append((user, at))
            acts += [self._counted(cell) for cell in cells.values()]
            refused = self.table.transact(f"count {len(batch)} users", acts) if acts else None
            if refused is None:
                counted, due, attempt = counted + len(batch), later, 0
            elif attempt == TRIES:
                raise crowded("counting")
            else:
                give_way(attempt, refused)
                attempt += 1
        return counted

    def _counting(self, user: str, due: float, item: Item, block: int) -> list[Item]:
        return [
            self.table.update(
                self._key(user),
                {},
                sets={"counted": block},
                condition="attribute_not_exists(counted) AND revision = :seen",
                values={":seen": item["revision"]},
            ),
            self.table.delete(self._due_key(user, due)),
        ]

    def _with(self, cell: Cell, item: Item) -> Cell:
        sums = dict(cell.sums)
        for metric in self.experiment.metrics:
            y = part(metric, whole(item, f"m_{metric.name}"))
            s, q = sums.get(metric.name, (0, 0))
            sums[metric.name] = (s + y, q + y * y)
        crossed = cell.crossed + ("crossed" in item)
        return replace(cell, users=cell.users + 1, crossed=crossed, sums=sums)

    def _counted(self, cell: Cell) -> Item:
        adds = {"users": cell.users, "crossed": cell.crossed}
        for name, (s, q) in cell.sums.items():
            adds |= {f"s_{name}": s, f"q_{name}": q}
        key = self.table.key("counted", f"{cell.block:06d}#{cell.slice}#{cell.arm}")
        return self.table.update(key, adds)

    # -- keys --------------------------------------------------------------------------------

    def _key(self, user: str) -> Item:
        return self.table.key(f"user#{user}", "user")

    def _due_key(self, user: str, due: float) -> Item:
        return self.table.key(f"due#{int(due // DAY)}", f"{_moment(due)}#{user}")

    def _days(self, until: float) -> range:
        return range(int(self.experiment.starts // DAY), int(until // DAY) + 1)

    def _users(self, users: Sequence[str]) -> dict[str, Item]:
        """Users who are known, by id; at most a hundred at a time."""
        prefix = len(self.table.key("user#", "")["pk"]["S"])
        return {
            item["pk"]["S"][prefix:]: item
            for item in self.table.read([self._key(user) for user in dict.fromkeys(users)])
        }


def _moment(at: float) -> str:
    """A time whose text sorts as the time does."""
    return f"{at:017.6f}"


def _arm(item: Item) -> Arm:
    return "treatment" if item["arm"]["S"] == "treatment" else "control"


def _amounts(entries: Iterable[UserEvent]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for entry in entries:
        if entry.metric:
            totals[entry.metric] = totals.get(entry.metric, 0) + entry.amount
    return totals


def _cell(item: Item) -> Cell:
    block, piece, arm = item["sk"]["S"].split("#")
    metrics = [name.removeprefix("s_") for name in item if name.startswith("s_")]
    return Cell(
        block=int(block),
        slice=int(piece),
        arm="treatment" if arm == "treatment" else "control",
        users=whole(item, "users"),
        crossed=whole(item, "crossed"),
        sums={name: (whole(item, f"s_{name}"), whole(item, f"q_{name}")) for name in metrics},
    )
