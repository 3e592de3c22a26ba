"""Names under which it is asked: what a Host header means, and which of them are ours."""

import ipaddress
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedded_aws.admission.hosts import host_name, is_amazons, is_named, is_this_machine

LABELS = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.one_of(st.just(""), st.integers(0, 65_535).map(":{}".format))
LOOPBACKS = st.one_of(
    st.integers(0, 2**24 - 1).map(lambda rest: str(ipaddress.IPv4Address(0x7F000000 + rest))),
    st.sampled_from(["[::1]", "[0:0:0:0:0:0:0:1]"]),
)


def upper_here_and_there(name: str, chance: int) -> str:
    return "".join(c.upper() if chance >> n & 1 else c for n, c in enumerate(name))


@given(NAMES, PORTS, st.sampled_from(["", "."]), st.integers(0))
def test_case_and_port_are_no_part_of_a_name(name, port, dot, chance):
    assert host_name(upper_here_and_there(name, chance) + dot + port) == name + dot


@given(LOOPBACKS, PORTS)
def test_every_loopback_address_is_this_machine(address, port):
    assert is_this_machine(host_name(address + port))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), PORTS)
def test_no_other_address_is(address, port):
    assume(not address.is_loopback)
    literal = f"[{address}]" if address.version == 6 else str(address)
    assert not is_this_machine(host_name(literal + port))


@given(NAMES, NAMES, PORTS)
def test_a_users_name_before_it_makes_it_none(user, name, port):
    assert host_name(f"{user}@{name}{port}") == ""
    assert host_name(f"{user}:x@{name}{port}") == ""


@given(st.text(max_size=40))
def test_whatever_is_sent_is_read_without_a_fault(header):
    name = host_name(header)
    assert name == name.lower()
    assert not set(name) & set("@/\\ ,[]\r\n")
    is_this_machine(name)


@given(NAMES)
def test_what_only_begins_like_ours_is_not_ours(name):
    for ours in ("localhost", "127.0.0.1", "s3.amazonaws.com"):
        stranger = host_name(f"{ours}.{name}.example")
        assert not is_this_machine(stranger)
        assert not is_amazons(stranger)


@pytest.mark.parametrize(
    "header",
    ["", ".", "localhost..", "a..b", "localhost:99999999", "localhost:a", "::1", "[::1", "a b",
     "localhost,localhost", "localhost/x", "http://localhost", "localhost\u0131", "lokalhoſt:1"],
)  # fmt: skip
def test_what_is_no_host_is_no_name(header):
    assert host_name(header) == ""


@pytest.mark.parametrize(
    ("header", "this_machine"),
    [
        ("localhost", True),
        ("LOCALHOST:4566", True),
        ("localhost.:4566", False),  # not every browser says where it is asked from
        ("[::ffff:127.0.0.1]:4566", False),
        ("127.0.0.1.", False),
        ("shop.localhost:4566", True),
        ("127.9.9.9", True),
        ("0.0.0.0:4566", False),  # loopback to Linux, and no browser says where it is asked from
        ("[::]:4566", False),
        ("2130706433", False),
        ("127.1", False),
        ("0x7f.0.0.1", False),
        ("notlocalhost", False),
        ("localhost.evil.example", False),
        ("evil.example:4566", False),
    ],
)
def test_names_of_this_machine(header, this_machine):
    assert is_this_machine(host_name(header)) == this_machine


@pytest.mark.parametrize(
    ("name", "amazons"),
    [
        ("lake.s3.us-east-1.amazonaws.com", True),
        ("sqs.cn-north-1.amazonaws.com.cn", True),
        ("d1.cloudfront.net", True),
        ("amazonaws.com.evil.example", False),
        ("evilamazonaws.com", False),
    ],
)
def test_names_of_amazon(name, amazons):
    assert is_amazons(name) == amazons


@pytest.mark.parametrize(
    ("name", "named"),
    [("aws", True), ("a.lan", True), ("lan", False), ("aws.evil", False), ("xlan", False)],
)
def test_a_list_may_name_what_lies_below(name, named):
    assert is_named(name, ["AWS.", "*.lan"]) == named
