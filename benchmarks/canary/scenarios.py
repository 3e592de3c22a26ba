"""What may be wrong with a canary, or with the world around it: the named scenarios."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """What is wrong with the canary, or with both arms.

    ``points`` is added to the error share, ``times`` multiplies it; ``slower`` multiplies every
    latency, ``tail`` of the requests are slower by ``tail_slower``; ``shift`` moves predictions by
    so many standard deviations. ``busy`` is the share of their time in which the hosts of either
    version would work with all of the traffic: both have as many, and queues are longer where more
    of it goes. Every ``pause_every`` seconds, by chance, a host stands still for ``pause_seconds``,
    as in a collection of garbage. Hosts' speeds differ by ``host_spread`` (standard deviation of
    their logarithm), for good; the canary's host is slower by ``spell_slower`` for five minutes,
    once. A ``silent`` canary's requests hang: they are lost, and nobody counts them. ``hump`` of
    the requests, those just faster than the stable version's p90, become just slower than it.
    Latencies of both versions are multiplied by ``pace``. From two minutes on the canary's errors
    are not told for ``errors_lost`` seconds.
    """

    name: str
    benign: bool = False
    points: float = 0.0
    times: float = 1.0
    slower: float = 1.0
    tail: float = 0.0
    tail_slower: float = 10.0
    shift: float = 0.0
    ramp_seconds: float = 0.0
    from_share: float = 0.0
    from_seconds: float = 0.0
    cold_factor: float = 1.0
    cold_seconds: float = 60.0
    bursts: bool = False
    sticky: bool = False
    lull: bool = False
    busy: float = 0.0
    pause_seconds: float = 0.0
    pause_every: float = 600.0
    host_spread: float = 0.0
    spell_slower: float = 1.0
    silent: bool = False
    hump: float = 0.0
    pace: float = 1.0
    errors_lost: float = 0.0


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("none", benign=True),
        Scenario("bursts", benign=True, bursts=True),
        Scenario("cold start", benign=True, cold_factor=3.0),
        Scenario("noise", benign=True, shift=0.05),
        Scenario("sticky users", benign=True, sticky=True),
        Scenario("lull", benign=True, lull=True),
        Scenario("busy hosts", benign=True, busy=0.3),
        Scenario("errors x2", times=2.0),
        Scenario("errors x4", times=4.0),
        Scenario("errors +5", points=0.05),
        Scenario("outage", points=1.0),
        Scenario("latency +10%", slower=1.1),
        Scenario("latency +50%", slower=1.5),
        Scenario("latency x5", slower=5.0),
        Scenario("p99 only", tail=0.02),
        Scenario("slow ramp", points=0.05, ramp_seconds=3600.0),
        Scenario("late fault", points=0.05, from_share=0.25),
        Scenario("predictions", shift=0.4),
    )
}

# Declared before tuning began and looked at only after it ended: other sizes, other mixtures.
HELD_OUT = {
    scenario.name: scenario
    for scenario in (
        Scenario("h none", benign=True),
        Scenario("h cold x2.5", benign=True, cold_factor=2.5),
        Scenario("h bursts+noise", benign=True, bursts=True, shift=-0.05),
        Scenario("h errors x7", times=7.0),
        Scenario("h +2 points", points=0.02),
        Scenario("h latency +25%", slower=1.25),
        Scenario("h latency x2.5", slower=2.5),
        Scenario("h tail 5% x4", tail=0.05, tail_slower=4.0),
        Scenario("h predictions -0.6", shift=-0.6),
        Scenario("h +1.5 and +20%", points=0.015, slower=1.2),
        Scenario("h ramp 20 min", points=0.08, ramp_seconds=1200.0),
        Scenario("h fault at 10 min", points=0.04, from_seconds=600.0),
    )
}


# Where requests of one window, or of one host, are not independent, and differences too small to
# matter: versions that nobody would want back.
UNEVEN = {
    scenario.name: scenario
    for scenario in (
        Scenario("long pauses", benign=True, pause_seconds=3.0, pause_every=600.0),
        Scenario("short pauses", benign=True, pause_seconds=1.0, pause_every=60.0),
        Scenario("hosts differ 3%", benign=True, host_spread=0.03),
        Scenario("hosts differ 10%", benign=True, host_spread=0.10),
        Scenario("slow spell", benign=True, spell_slower=1.05),
        Scenario("3% slower", benign=True, slower=1.03),
        Scenario("5% slower", benign=True, slower=1.05),
        Scenario("errors +0.2", benign=True, points=0.002),
        Scenario("errors +0.3", benign=True, points=0.003),
    )
}

SILENT = {
    scenario.name: scenario
    for scenario in (
        Scenario("silent", silent=True),
        Scenario("silent at 10 min", silent=True, from_seconds=600.0),
    )
}

# Slower where bins a quarter apart do not look: inside one of them, or below the first.
NARROW = {
    scenario.name: scenario
    for scenario in (
        Scenario("hump of 5 points", hump=0.05),
        Scenario("hump of 8 points", hump=0.08),
        Scenario("hump of 10 points", hump=0.10),
        Scenario("1 ms -> 1.5 ms", pace=1 / 80, slower=1.5),
        Scenario("1 ms -> 2 ms", pace=1 / 80, slower=2.0),
        Scenario("fast and sound", benign=True, pace=1 / 80),
    )
}

LOST = {
    scenario.name: scenario
    for scenario in (
        Scenario("errors lost, +5", points=0.05, from_seconds=120.0, errors_lost=600.0),
        Scenario("errors lost, sound", benign=True, errors_lost=600.0),
    )
}

EVERY = {**SCENARIOS, **HELD_OUT, **UNEVEN, **SILENT, **NARROW, **LOST}
