"""The door's keeper: lets a request in, or says in one sentence why not.

==================  ============================================================================
who asks            what is let in
==================  ============================================================================
another name        nothing: a ``Host`` that is neither this machine, AWS nor allowed was rebound
AWS's names         what is signed with our own secret key, or given to everybody
a program           what is signed, with whichever key; unsigned, what S3 gives to everybody
a browser           what is signed with our own secret key, or given to everybody; what a person
                    types into its address bar may be any presigned GET
the CDN's viewers   GET, HEAD and preflights, from any page
``/_embedded/…``    who sends the secret; health, and S3's pages as pages of their own, go without
==================  ============================================================================

Nothing that a page sends without the person's doing bears our key: a browser has no credentials of
ours to add, and pages do not know it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

from embedded_aws.admission import strangers
from embedded_aws.admission.hosts import host_name, is_amazons, is_named, is_this_machine
from embedded_aws.admission.signatures import is_proven, is_signed
from embedded_aws.protocol.operations import rest_operation
from embedded_aws.protocol.service import AwsFault, Request

SECRET_HEADER = "x-embedded-aws-secret"  # noqa: S105  its name
OPEN = "/_embedded/health"
CONSOLE = "/_embedded/s3/"
_READING = frozenset({"GET", "HEAD"})


class Door:
    """Decides on requests.

    Args:
        secret: Our secret access key, which the admin path asks for, too.
        hosts: Further names under which we may be asked; ``*.x`` for all below ``x``.
    """

    def __init__(self, secret: str, hosts: Iterable[str] = ()) -> None:
        self._secret = secret
        self._hosts = tuple(hosts)

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Let in who asks for us by a name of ours.

        Raises:
            AwsFault: somebody asks under another name.
        """
        name = host_name(headers.get("host", ""))
        if not (self._is_ours(name) or is_amazons(name)):
            raise _refused(
                f"The embedded AWS is not asked under the host name {name or '(none)'}; "
                "allow the name with --allow-host if it is yours."
            )

    def check_admin(self, request: Request) -> None:
        """Let in who may steer us.

        Raises:
            AwsFault: it bears no secret, or a page asks for what only a person may open.
        """
        if request.path == OPEN and request.method in _READING:
            return
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        if hmac.compare_digest(given, self._secret.encode()):
            return
        console = request.path.startswith(CONSOLE) and request.method in _READING
        if not console or not self._is_ours(host_name(request.headers.get("host", ""))):
            raise _refused(
                f"{request.path} asks for the header {SECRET_HEADER}: the secret access key that "
                "the embedded AWS was started with."
            )
        opened = (request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest"))
        if _says_from_where(request.headers) and opened != ("navigate", "document"):
            raise _refused("A page of S3 is opened as a page of its own, not from another one.")

    def check_customer(self, request: Request, asked: Request) -> None:
        """Let in who may use the API.

        Args:
            request: As its service takes it: the bucket stands in the path.
            asked: As it came, and was signed.

        Raises:
            AwsFault: what AWS would answer to a stranger, or that a page may not do this.
        """
        browser = _is_browsers(asked.headers)
        name = host_name(asked.headers.get("host", ""))
        signed = is_signed(asked)
        if not browser and self._is_ours(name) and (signed or _needs_no_signature(asked)):
            return  # a program of this machine, with whichever key
        if signed and is_proven(asked, request.path, self._secret, time.time()):
            return
        if request.service == "s3" and _is_open(request, to_program=not browser):
            return
        if not signed:
            raise _unsigned(request)
        typed = asked.headers.get("sec-fetch-site") == "none" and self._is_ours(name)
        if typed and request.service == "s3" and request.method in _READING:
            return
        if not browser:
            raise _refused(
                f"Under the name {name} only what is signed with this AWS's own secret access key "
                "is answered."
            )
        raise _refused(
            "A web page may only send what is signed with this AWS's own secret access key, or "
            "what a bucket's policy gives to everybody."
        )

    def _is_ours(self, name: str) -> bool:
        """Whether no stranger's page can bear a name, as one below amazonaws.com might."""
        return is_this_machine(name) or is_named(name, self._hosts)


def _says_from_where(headers: Mapping[str, str]) -> bool:
    """Whether it bears what browsers add; pages can neither leave these headers out nor choose."""
    return "origin" in headers or "sec-fetch-site" in headers


def _is_browsers(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent it.

    One that is old, or that asks under an allowed name without TLS, adds neither header to the
    address of an image. It says who it is, and a page can change that only after a preflight.
    """
    return _says_from_where(headers) or headers.get("user-agent", "").startswith("Mozilla/")


def _needs_no_signature(request: Request) -> bool:
    """AWS takes none where somebody asks for a first set of credentials."""
    return request.service == "sts" and b"Action=AssumeRoleWith" in request.body[:512]


def _is_open(request: Request, *, to_program: bool) -> bool:
    operation, labels = rest_operation(
        "s3", request.method, request.path, request.query, request.headers
    )
    return strangers.may_do(
        operation,
        str(labels.get("Bucket", "")),
        str(labels.get("Key", "")),
        versioned="versionId" in parse_qs(request.query, keep_blank_values=True),
        missing=to_program,
    )


def _unsigned(request: Request) -> AwsFault:
    if request.service == "s3":
        return AwsFault("AccessDenied", "Access Denied", 403)
    return AwsFault("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def _refused(sentence: str) -> AwsFault:
    return AwsFault("AccessDenied", sentence, 403)
