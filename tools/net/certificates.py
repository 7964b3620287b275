"""For tests: certificates that nobody has signed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def make(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """Return a certificate of these hosts and IP addresses, and its key; skips without openssl."""
    if not shutil.which("openssl"):
        pytest.skip("SKIPPED: openssl is not installed here")
    kinds = {True: "IP", False: "DNS"}
    names = ",".join(f"{kinds[host[0].isdigit() or ':' in host]}:{host}" for host in hosts)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
            *("-subj", f"/CN={hosts[0]}", "-addext", f"subjectAltName={names}"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"
