"""A small bill of materials, and what Debian's or Alpine's data might say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.attestations.sbom import cyclonedx
from tools.attestations.sbom.model import Bill, Component, Subject, purl

DIGEST = "sha256:" + "5" * 64


def component(
    name: str, version: str, source: tuple[str, str], suite: str = "bookworm"
) -> Component:
    """Return a Debian package as tools/attestations/sbom lists it."""
    return Component(
        key=f"deb/{name}",
        name=name,
        version=version,
        kind="library",
        purl=purl("deb", "debian", name, version, {"arch": "amd64", "distro": suite}),
        source=source,
    )


def apk(name: str, version: str, source: str, release: str = "3.24") -> Component:
    """Return an Alpine package as tools/attestations/sbom lists it."""
    return Component(
        key=f"apk/{name}",
        name=name,
        version=version,
        kind="library",
        purl=purl(
            "apk", "alpine", name, version, {"arch": "x86_64", "distro": f"alpine-{release}"}
        ),
        source=(source, version),
    )


def write_bill(folder: Path, *components: Component) -> Path:
    """Write the bill of an image; demo's packages and one that is known for nothing."""
    subject = Subject(
        name="//images:demo_amd64",
        digest=DIGEST,
        created="2026-01-02T03:04:05Z",
        platform="linux/amd64",
        purl=purl("oci", "", "python", DIGEST, {"arch": "amd64"}),
    )
    parts = components or (
        component("demo-tools", "1:2.0-3+b1", ("demo", "1:2.0-3")),
        component("libdemo1", "1:2.0-3+b1", ("demo", "1:2.0-3")),
        component("quiet", "1.0", ("quiet", "1.0")),
        Component(
            key="cpython",
            name="cpython",
            version="3.13.99",
            kind="application",
            purl=purl("generic", "", "cpython", "3.13.99"),
        ),
    )
    path = folder / "image.cdx.json"
    path.write_text(cyclonedx.render(Bill(subject, parts, {})))
    return path


def problem(
    status: str = "open", fixed: str = "", urgency: str = "medium", **more: Any
) -> dict[str, Any]:
    """Return what the tracker has for one CVE; sid is said to have it fixed."""
    release = {"status": status, "fixed_version": fixed, "urgency": urgency}
    release |= {key: more.pop(key) for key in ("nodsa", "nodsa_reason") if key in more}
    if not fixed:
        del release["fixed_version"]
    return {
        "description": "Something\n is wrong.",
        "scope": "remote",
        "releases": {
            "bookworm": release,
            "sid": {"status": "resolved", "fixed_version": "1:9", "urgency": urgency},
        },
        **more,
    }


TRACKER = {
    "demo": {
        # Of versions: newer, equal, older in all but the epoch, never.
        "CVE-2026-1": problem("resolved", "1:2.0-3+deb12u1", "high", debianbug=1234),
        "CVE-2026-2": problem("resolved", "1:2.0-3", "high"),
        "CVE-2026-3": problem("resolved", "9.9", "high"),
        "CVE-2026-4": problem("resolved", "0", "high"),
        "CVE-2026-5": problem(
            "open", "", "not yet assigned", nodsa="Minor issue", nodsa_reason="postponed"
        ),
        "CVE-2026-6": problem("undetermined", "", "low**"),
        "CVE-2026-7": problem("open", "", "unimportant"),
        # Only sid has it.
        "CVE-2026-8": {"releases": {"sid": {"status": "open", "urgency": "high"}}},
        "TEMP-0000000-ABCDEF": problem("open", "", "end-of-life"),
    },
    "elsewhere": {"CVE-2026-9": problem("open", "", "high")},
}


def write_tracker(folder: Path, content: object = TRACKER) -> Path:
    """Write the tracker's data."""
    path = folder / "tracker.json"
    path.write_text(json.dumps(content))
    return path


def write_secdb(
    folder: Path,
    name: str,
    fixes: dict[str, dict[str, list[str]]],
    repository: str = "main",
    release: str = "v3.24",
) -> Path:
    """Write Alpine's data of one repository: source package -> version -> problems fixed in it."""
    path = folder / name
    content = {
        "distroversion": release,
        "reponame": repository,
        "packages": [
            {"pkg": {"name": package, "secfixes": versions}} for package, versions in fixes.items()
        ],
    }
    path.write_text(json.dumps(content))
    return path


def write_vex(folder: Path, *statements: dict[str, Any], **more: Any) -> Path:
    """Write an OpenVEX document."""
    path = folder / "vex.json"
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:test",
        "author": "test",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": list(statements),
    }
    path.write_text(json.dumps(document | more))
    return path


def statement(
    cve: str, *products: str, status: str = "not_affected", **more: Any
) -> dict[str, Any]:
    """Return a statement; that something is not affected has a reason."""
    if status == "not_affected" and not more:
        more = {"justification": "vulnerable_code_not_present"}
    return {
        "vulnerability": {"name": cve},
        "products": [{"@id": product} for product in products],
        "status": status,
        **more,
    }
