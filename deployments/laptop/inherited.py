"""What the stack's processes take over from the shell that started them. Pure.

A shell holds tokens for half of a person's life. Flows, their tasks and what these start need none
of them, so variables come by an allow-list: a new token in somebody's profile is out by default.
"""

from __future__ import annotations

from collections.abc import Mapping

PASSED = "SLUICE_PASSED_VARIABLES"
"""Names of others that shall come too, separated by commas: what own code of a model asks for."""

SYSTEM = frozenset({
    "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "SYSTEMROOT", "TEMP",
    "TMP", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
})  # fmt: skip
CERTIFICATES = frozenset(
    {"CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"}
)
PROXIES = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
"""In capitals or small letters."""
FAMILIES = (
    "CUDA_", "EMBEDDED_AWS_", "GOMP_", "KERAS_", "KMP_", "LC_", "MKL_", "NUMEXPR_", "OMP_",
    "OPENBLAS_", "SLUICE_", "TF_", "XDG_", "XLA_",
)  # fmt: skip
"""Beginnings of names: our own, and how many threads numbers are computed with, on what."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment is taken over."""
    named = {name.strip() for name in environment.get(PASSED, "").split(",") if name.strip()}
    return {
        name: value
        for name, value in environment.items()
        if name in SYSTEM
        or name in CERTIFICATES
        or name.upper() in PROXIES
        or name.startswith(FAMILIES)
        or name in named
    }
