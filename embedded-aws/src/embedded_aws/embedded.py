"""One embedded AWS, put together: the composition root of this package."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from embedded_aws.admin import Admin
from embedded_aws.admission.door import Door
from embedded_aws.autoscaling import AutoScaling
from embedded_aws.browser import Browser
from embedded_aws.calls import Calls
from embedded_aws.cdn import CloudFront
from embedded_aws.clock import Clock
from embedded_aws.cloudwatch import CloudWatch
from embedded_aws.events.bus import Bus
from embedded_aws.events.scheduler import Scheduler, anybody_listens
from embedded_aws.faults import Faults
from embedded_aws.front import Front
from embedded_aws.hosting import Hosting
from embedded_aws.hosting.ticker import Ticker
from embedded_aws.iam.guard import Guard
from embedded_aws.iam.trust import session_of
from embedded_aws.moto_services import Moto, reset_moto
from embedded_aws.packages import ModelRegistry
from embedded_aws.processing import Processing
from embedded_aws.protocol.operations import DEFAULT_REGION
from embedded_aws.protocol.service import AwsFault, Service
from embedded_aws.sagemaker import SageMaker
from embedded_aws.state.continuity import (
    NOTE_SECONDS,
    REGION,
    check_region,
    epoch_of,
    left_behind,
    note,
)
from embedded_aws.state.keeper import Keeper
from embedded_aws.state.records import Forgetful, Kept
from embedded_aws.state.store import Store
from embedded_aws.training import Training
from embedded_aws.transform import Transform
from embedded_aws.tuning import Tuning
from embedded_aws.world import ACCOUNT_ID, World

# How much a power cut may take, in real seconds.
SETTLE_SECONDS = 10.0


class EmbeddedAws:
    """AWS in this process, on one port of 127.0.0.1, from ``with`` to the end of its block.

    ``time_scale`` virtual seconds pass per real second, counted from ``time_epoch`` on (unix time,
    now by default). ``state_dir`` holds the folders of running jobs and variants. With ``keep``
    it also holds everything else (S3 objects, queues, endpoints, metrics …), which is there again
    when the next one opens the folder; without, that is in memory and gone at the end. Several may
    be open in one process, each with its own clock, faults, jobs, endpoints and metrics; what moto
    keeps (S3, SQS, Logs …) they share, and it is emptied when the first one opens. One that keeps
    its state must be alone in its process.

    Args:
        port: Port to bind, 0 for any free one.
        time_scale: Virtual seconds per real second.
        time_epoch: Unix time at which virtual and real time agree.
        state_dir: A folder of your own; by default a temporary one that is removed at the end.
        keep_failed_jobs: Leave the folders of failed training jobs behind, to look into them.
        keep: Keep what it holds in ``state_dir``, and begin with what an earlier one left there.
        secret: The secret access key by which its admin path, and what pages send, are known; by
            default a random one. ``environment()`` tells it.
        allowed_hosts: Host names, besides this machine's and AWS's own, under which it is asked.
        region: The region that SageMaker, CloudWatch and scaling are of; they refuse what is signed
            for another one.
        enforce_iam: Hold every request to IAM's policies, and let jobs and endpoints act as their
            roles; by default whoever signs may everything.

    Raises:
        OSError: when the port is taken.
        StateError: the folder is in use, was written by other versions, or time would run
            backwards.
    """

    _open: ClassVar[set[int]] = set()
    _keeping: ClassVar[bool] = False
    _open_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        *,
        port: int = 0,
        time_scale: float = 1.0,
        time_epoch: float | None = None,
        state_dir: Path | str | None = None,
        keep_failed_jobs: bool = False,
        keep: bool = False,
        secret: str | None = None,
        allowed_hosts: Iterable[str] = (),
        enforce_iam: bool = False,
        region: str = DEFAULT_REGION,
    ) -> None:
        if keep and state_dir is None:
            raise ValueError("what is kept needs a folder: give state_dir")
        self._store: Store | None = None
        self._secret = secret or secrets.token_urlsafe(30)
        self._door = Door(self._secret, allowed_hosts)
        self._enforces = enforce_iam
        self._region = region
        with contextlib.ExitStack() as undoing:
            if keep:
                self._store = Store(Path(str(state_dir)).resolve())
                undoing.callback(self._store.close)
            epoch = self._epoch(time_scale, time_epoch)
            self._prepare(port, Clock(time_scale, epoch), state_dir, keep_failed_jobs)
            undoing.pop_all()

    def _epoch(self, scale: float, epoch: float | None) -> float:
        if self._store is None:
            return time.time() if epoch is None else epoch
        check_region(self._store, self._region)
        before = left_behind(self._store)
        return epoch_of(before, scale, epoch, time.time(), str(self._store.folder))

    def _prepare(
        self, port: int, clock: Clock, state_dir: Path | str | None, keep_failed_jobs: bool
    ) -> None:
        self.clock = clock
        self.faults = Faults(self.clock)
        self.calls = Calls()
        guard = Guard(self.clock).check if self._enforces else None
        self._front = Front(
            port, self.clock, self.faults, self.calls, self._door, guard, self._region
        )
        self._own_dir = state_dir is None
        self._keep_failed_jobs = keep_failed_jobs
        self.state_dir = Path(state_dir or tempfile.mkdtemp(prefix="embedded-aws-")).resolve()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._closing: list[Service] = []
        self._rooms: dict[str, Any] = {}
        self._tickers: list[Ticker] = []
        self._scheduler: Scheduler | None = None
        self._bus: Bus | None = None
        self._actions: dict[str, frozenset[str]] = {}
        self.world: World

    @property
    def endpoint_url(self) -> str:
        """What ``AWS_ENDPOINT_URL`` must be."""
        return self._front.endpoint_url

    @property
    def actions(self) -> Mapping[str, frozenset[str]]:
        """What our own services answer, by the signing name; after the start."""
        runtime = frozenset({"InvokeEndpoint", "InvokeEndpointAsync"})
        return {**self._actions, "sagemaker-runtime": runtime}

    def client(self, service: str) -> Any:
        """A boto3 client of this embedded AWS."""
        return self.world.client(service)

    def environment(self) -> dict[str, str]:
        """The variables by which any AWS client in another process finds this one."""
        return self.world.role_environment

    def start(self) -> Self:
        """Build every service and start answering."""
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def _build(self) -> None:
        self._enter()
        store = self._store
        if store is not None:  # folders of variants that died with an earlier process
            shutil.rmtree(self.state_dir / "hosting", ignore_errors=True)
        cloudwatch = CloudWatch(self.clock, self.faults, self._region, ACCOUNT_ID)
        bus = self._bus = Bus(
            lambda service: self.world.client(service),  # noqa: PLW0108  there is no world yet
            anybody_listens,
            lambda resource: sagemaker.tags_of(resource),  # noqa: PLW0108  it is made below
        )
        self.world = World(
            clock=self.clock,
            faults=self.faults,
            state_dir=self.state_dir,
            endpoint_url=self.endpoint_url,
            secret=self._secret,
            metrics=cloudwatch,
            alarms=cloudwatch,
            region=self._region,
            account_id=ACCOUNT_ID,
            records=Forgetful() if store is None else Kept(store),
            events=bus,
            assume=session_of if self._enforces else None,
        )
        training = Training(self.world, keep_failed=self._keep_failed_jobs)
        processing = Processing(self.world, keep_failed=self._keep_failed_jobs)
        hosting = Hosting(self.world)
        transform = Transform(self.world, hosting, keep_failed=self._keep_failed_jobs)
        tuning = Tuning(
            self.world,
            training,
            lambda arn, tags: sagemaker.tag(arn, tags),  # noqa: PLW0108  it is made below
        )
        registry = ModelRegistry(self.world)
        scaling = AutoScaling(self.world, hosting, cloudwatch)
        cloudwatch.sources.append(hosting.measured)
        cloudwatch.carriers["autoscaling"] = scaling.carry_out
        self._rooms = {
            "training": training,
            "processing": processing,
            "transform": transform,
            "tuning": tuning,
            "hosting": hosting,
        }
        sagemaker = SageMaker(
            # Tuning ends first: what it sees end after that, it would take for its training jobs'.
            [tuning, training, processing, transform, hosting, registry],
            {"InvokeEndpoint": hosting.invoke, "InvokeEndpointAsync": hosting.invoke_async},
            self.world.records,
            [scaling],
        )
        services: dict[str, Service] = {  # closed in this order
            "application-autoscaling": scaling,
            "sagemaker": sagemaker,
            "monitoring": cloudwatch,
        }
        self._actions = {
            "application-autoscaling": scaling.actions,
            "monitoring": cloudwatch.actions,
            "sagemaker": sagemaker.actions,
        }
        moto = Moto(self.clock, cloudwatch)
        others: Service = moto if store is None else self._remember(store, moto, cloudwatch)
        cloudfront = services["cloudfront"] = CloudFront(others, self.world)
        self._closing = [*services.values(), others]
        self._front.serve(
            services,
            others,
            Admin(
                self.clock,
                self.faults,
                self.calls,
                self._things,
                Browser(self.world).show,
                hosting.recovering,
            ),
            cloudfront.deliver,
        )
        cloudwatch.start(self.world)
        kept = others.keep_deliveries if isinstance(others, Keeper) else lambda: None
        self._scheduler = Scheduler(self.clock, moto, kept)
        hosting.restore()
        tuning.restore()
        scaling.start()

    def _enter(self) -> None:
        """Be the first, or one of several that share what moto holds.

        Raises:
            ValueError: somebody keeps what moto holds, or we are to, and we are not alone.
        """
        with self._open_lock:
            if self._open and (self._store is not None or EmbeddedAws._keeping):
                raise ValueError(
                    "an embedded AWS that keeps its state must be alone in its process"
                )
            if not self._open:
                reset_moto()
            self._open.add(id(self))
            EmbeddedAws._keeping = self._store is not None

    def _remember(self, store: Store, moto: Moto, cloudwatch: CloudWatch) -> Keeper:
        """Begin with what was kept, and keep what comes."""
        keeper = Keeper(moto, store, ACCOUNT_ID)
        keeper.restore()
        cloudwatch.keep(store)
        note(store, self.clock)
        store.note(REGION, self._region)
        self._tickers = [
            Ticker("state-clock", NOTE_SECONDS, lambda: note(store, self.clock)),
            Ticker("state-metrics", 1.0, cloudwatch.flush),
            Ticker("state-settle", SETTLE_SECONDS, store.settle),
        ]
        return keeper

    def close(self) -> None:
        """End all jobs, variants and threads, and remove a temporary state folder."""
        # Jobs and variants end first: their last lines and metrics still find CloudWatch, whose
        # last actions still find the front. What one fails to end keeps no other from ending.
        with contextlib.ExitStack() as ending:
            ending.callback(self._leave)
            ending.callback(self._front.close)
            if self._bus is not None:
                ending.callback(self._bus.close)
            for ticker in self._tickers:
                ending.callback(ticker.close)
            for service in reversed(self._closing):
                ending.callback(service.close)
            self._closing = []
            if self._scheduler is not None:
                ending.callback(self._scheduler.close)

    def _leave(self) -> None:
        with self._open_lock:
            if id(self) in self._open:
                self._open.discard(id(self))
                EmbeddedAws._keeping = False
        if self._store is not None:
            with contextlib.suppress(AwsFault):
                note(self._store, self.clock, ahead=0.0)
            self._store.close()
        if self._own_dir:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _things(self) -> dict[str, Any]:
        rooms: dict[str, Any] = {"pid": os.getpid(), "state_dir": str(self.state_dir)}
        for name, room in self._rooms.items():
            things = getattr(room, "things", None)
            rooms[name] = things() if callable(things) else {}
        return rooms
