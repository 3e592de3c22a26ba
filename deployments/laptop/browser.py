"""Find a Chromium for the browser tests, or install one, and say so.

Looked for in this order: ``SLUICE_CHROMIUM``, the system's browsers, Playwright's own download;
then the system's package manager (as root), then Playwright's downloader.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Path of a Chromium that is there, or None."""
    own = os.environ.get("SLUICE_CHROMIUM")
    if own:
        return own if Path(own).exists() else None
    for name in SYSTEM_NAMES:
        path = shutil.which(name)
        if path:
            return path
    return _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
        return path if Path(path).exists() else None


def install() -> bool:
    """Try to install a Chromium; True when one is there afterwards."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("» Installing Chromium with apt-get", flush=True)
        subprocess.run(["apt-get", "update", "-qq"])
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            stdout=subprocess.DEVNULL,
        )
    if find() is None:
        print("» Asking Playwright for its own Chromium", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    return find() is not None


def main() -> int:
    """Exit status 0 when a Chromium is there."""
    if find() is None and not install():
        print(
            "No Chromium was found and none could be installed. Next: install Chromium or Chrome "
            "with your package manager, or set SLUICE_CHROMIUM to its path.",
            file=sys.stderr,
        )
        return 1
    print(f"» Browser: {find()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
