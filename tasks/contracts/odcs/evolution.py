"""What changed from one version of a contract to the next, and whether old readers survive it.

Readers are programs that take rows which kept the older contract. A change is breaking when a row
that keeps the newer contract could surprise them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from tasks.contracts.model import Column, Contract
from tasks.values import Check, Frozen, Verdict

Effect = Literal["breaking", "additive"]
LOWER = ("minimum", "exclusive_minimum", "min_length")
UPPER = ("maximum", "exclusive_maximum", "max_length")


class Change(Frozen):
    """One difference. ``where`` is a column or a part of the contract."""

    where: str
    effect: Effect
    what: str

    def __str__(self) -> str:
        return f"{'-' if self.effect == 'breaking' else '+'} {self.where}: {self.what}"


class Evolution(Frozen):
    """All differences between two versions."""

    dataset: str
    old: str
    new: str
    changes: tuple[Change, ...]

    @property
    def breaking(self) -> tuple[Change, ...]:
        """Those that old readers do not survive."""
        return tuple(change for change in self.changes if change.effect == "breaking")

    def diff(self) -> str:
        """One line a change, breaking ones first."""
        ordered = sorted(
            self.changes, key=lambda change: (change.effect != "breaking", change.where)
        )
        return "\n".join(map(str, ordered))

    def verdict(self) -> Verdict:
        """Additive changes pass with a notice; breaking ones fail.

        A new major version says that a change is breaking (semantic versioning), and then it
        passes; a change without a new version fails.
        """
        subject = f"contract {self.dataset} {self.old} → {self.new}"
        if not self.changes:
            return Verdict.of(
                subject, (Check(name="evolution", outcome="pass", observed="no change"),)
            )
        named = _major(self.new) > _major(self.old)
        if self.old == self.new:
            return Verdict(
                subject=subject,
                outcome="fail",
                reason=f"The contract changed, but its version did not:\n{self.diff()}",
                checks=_checks(self.changes, passes=False),
            )
        if self.breaking and not named:
            return Verdict(
                subject=subject,
                outcome="fail",
                reason=f"Breaking changes need a new major version:\n{self.diff()}",
                checks=_checks(self.changes, passes=False),
            )
        notice = "breaking, as its major version says" if self.breaking else "additive"
        return Verdict(
            subject=subject,
            outcome="pass",
            reason=f"The change is {notice}:\n{self.diff()}",
            checks=_checks(self.changes, passes=True),
        )


def _checks(changes: Sequence[Change], *, passes: bool) -> tuple[Check, ...]:
    return tuple(
        Check(
            name=change.where,
            outcome="pass" if passes or change.effect == "additive" else "fail",
            observed=change.what,
            detail=change.effect,
        )
        for change in changes
    )


def _major(version: str) -> int:
    head = version.lstrip("v").partition(".")[0]
    return int(head) if head.isdigit() else 0


def evolution(old: Contract, new: Contract) -> Evolution:
    """Compare two versions of the contract of one data set."""
    changes = [*_columns(old, new), *_table(old, new)]
    return Evolution(dataset=new.dataset, old=old.version, new=new.version, changes=tuple(changes))


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    for name in sorted(set(before) - set(after)):
        yield Change(where=name, effect="breaking", what="the column is gone")
    for name in sorted(set(after) - set(before)):
        if after[name].required:
            # Rows that lie in the lake already do not have it.
            yield Change(where=name, effect="breaking", what="a required column is new")
        else:
            yield Change(where=name, effect="additive", what="an optional column is new")
    for name in sorted(set(before) & set(after)):
        yield from _column(before[name], after[name])


def _column(old: Column, new: Column) -> Iterator[Change]:
    def change(effect: Effect, what: str) -> Change:
        return Change(where=new.name, effect=effect, what=what)

    if old.type != new.type:
        widened = (old.type, new.type) == ("integer", "number")
        yield change("breaking", f"type {old.type} → {new.type}{' (wider)' if widened else ''}")
        return
    if old.required != new.required:
        if new.required:
            yield change("breaking", "may no longer be missing; rows in the lake may miss it")
        else:
            yield change("breaking", "may now be missing, which readers do not expect")
    if old.unique and not new.unique:
        yield change("breaking", "need no longer be unique")
    elif new.unique and not old.unique:
        yield change("additive", "must now be unique")
    yield from _enum(old, new)
    for fields, wider in ((LOWER, -1), (UPPER, 1)):
        for field in fields:
            yield from _bound(new.name, field, getattr(old, field), getattr(new, field), wider)
    for field in ("pattern", "format"):
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            effect: Effect = "additive" if not was else "breaking"
            yield change(effect, f"{field} {was or '(none)'} → {now or '(none)'}")
    for field in ("timezone", "default_timezone", "physical_name"):
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            yield change("breaking", f"{field} {was or '(none)'} → {now or '(none)'}")
    if old.items != new.items:
        yield change("breaking", "what it holds is described differently")
    if old.classification != new.classification:
        was, now = old.classification or "(none)", new.classification or "(none)"
        yield change("additive", f"classification {was} → {now}")


def _enum(old: Column, new: Column) -> Iterator[Change]:
    if old.enum and not new.enum:
        yield Change(where=new.name, effect="breaking", what="any value is allowed now")
        return
    fresh = [value for value in new.enum if value not in old.enum]
    gone = [value for value in old.enum if value not in new.enum]
    if fresh and old.enum:
        shown = ", ".join(map(str, fresh))
        yield Change(where=new.name, effect="breaking", what=f"new values {shown}")
    elif fresh:
        yield Change(where=new.name, effect="additive", what="values are limited to a set now")
    if gone:
        shown = ", ".join(map(str, gone))
        yield Change(where=new.name, effect="additive", what=f"values {shown} no longer come")


def _bound(name: str, field: str, old: Any, new: Any, wider: int) -> Iterator[Change]:
    if old == new:
        return
    if new is None:
        effect: Effect = "breaking"
    elif old is None:
        effect = "additive"
    else:
        effect = "breaking" if (new > old) == (wider > 0) else "additive"
    shown = ["(none)" if value is None else f"{value}" for value in (old, new)]
    yield Change(where=name, effect=effect, what=f"{field} {shown[0]} → {shown[1]}")


def _table(old: Contract, new: Contract) -> Iterator[Change]:
    if old.objects and old.objects != new.objects:
        # What was put in force before objects had rules of their own says nothing of them.
        yield Change(where="objects", effect="additive", what="they must hold something else")
    for field, effect in (
        ("location_prefix", "breaking"),
        ("format", "breaking"),
        ("encoding", "breaking"),
        ("delimiter", "breaking"),
        ("partitioning", "breaking"),
        ("primary_key", "breaking"),
        ("key", "breaking"),
        ("event_time", "breaking"),
        ("references", "breaking"),
        ("quality", "additive"),
        ("quarantine_limit", "additive"),
        ("freshness", "additive"),
        ("retention_days", "additive"),
        ("frequency_days", "additive"),
        ("drift_policy", "additive"),
        ("owner", "additive"),
    ):
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            kind: Effect = "breaking" if effect == "breaking" else "additive"
            yield Change(where=field, effect=kind, what=f"{_shown(was)} → {_shown(now)}")


def _shown(value: Any) -> str:
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return f"{len(value)} rules"
    return f"{value}"[:80] or "(none)"
