r"""Write where an image comes from, as an in-toto statement with SLSA provenance v1.

    python -m tools.attestations.sbom.provenance --facts facts.json --cyclonedx image.cdx.json \
        --locked compiler=bookworm=packages.json … --wheels requirements.lock \
        --out image.intoto.json

Everything in it is known before the build starts, save the image's digest and which of the locked
packages the image has, both from its bill of materials. No clock is read and no version control
asked: the revision of the rules is in it where it was given to the build.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tools.attestations.sbom import alpine_packages
from tools.attestations.sbom.cyclonedx import PATCH
from tools.attestations.sbom.debian_packages import read_locked, vendor_of
from tools.attestations.sbom.model import BASE_LAYER, purl
from tools.attestations.sbom.sbom_error import SbomError

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://slsa.dev/provenance/v1"
# Says how to read the parameters: docs/sbom.md describes them.
BUILD_TYPE: Final = "urn:python-images:bazel:v1"


def _resource(uri: str, sha256: str, name: str, roles: Iterable[str]) -> dict[str, Any]:
    return {
        "uri": uri,
        "digest": {"sha256": sha256},
        "name": name,
        "annotations": {"roles": sorted(roles)},
    }


def _installed(bill: dict[str, Any]) -> dict[str, tuple[str, str, set[str]]]:
    """Return what the image is made of by SHA-256: (uri, name, roles).

    These are its packages' archives; on Windows the base image, and its layers, which are foreign:
    known by their digests, in the image's manifest alone.
    """
    found: dict[str, tuple[str, str, set[str]]] = {}
    for component in bill["components"]:
        ref = component["bom-ref"]
        if ref == "base" or ref.startswith(BASE_LAYER):
            digest = component["hashes"][0]["content"]
            uri = component.get("purl") or f"urn:sha256:{digest}"
            roles = {"base"} if ref == "base" else {"base", "foreign-layer"}
            found[digest] = (uri, component["name"], roles)
        if ref.startswith(("apk/", "deb/")) and component.get("hashes"):
            name, version = component["name"], component["version"]
            found[component["hashes"][0]["content"]] = (
                component["purl"],
                f"{name} {version}",
                {"image"},
            )
    return found


def _wheels(lock: Path) -> list[dict[str, Any]]:
    found = []
    for line in lock.read_text("utf-8").splitlines():
        if pin := re.fullmatch(r"([\w.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})", line):
            name, version, sha256 = pin.groups()
            found.append(
                _resource(purl("pypi", "", name, version), sha256, f"{name} {version}", ["tool"])
            )
    return found


def make(
    facts: dict[str, Any],
    bill: dict[str, Any],
    locked: Sequence[tuple[str, str, Path]],
    wheels: Path,
) -> dict[str, Any]:
    """Return the statement.

    Args:
        facts: `name`, `parameters` (external), `internal`, `source` (or None), `revision` and
            `builder` (either may be empty).
        bill: the image's CycloneDX document.
        locked: (role, suite, packages.json) of each package set that the build uses.
        wheels: third_party/wheels/requirements.lock.
    """
    debs = _installed(bill)
    for role, suite, path in locked:
        for (name, version, arch), entry in read_locked([path]).items():
            if alpine_packages.is_release(suite):
                uri = alpine_packages.url(name, version, arch, suite)
            else:
                vendor = vendor_of(entry)
                uri = purl("deb", vendor, name, version, {"arch": arch, "distro": suite})
            debs.setdefault(entry["sha256"], (uri, f"{name} {version}", set()))[2].add(role)
    dependencies = []
    if source := facts["source"]:
        dependencies.append(
            _resource(source["url"], source["sha256"], f"cpython {source['version']}", ["source"])
        )
    # Of the bill's CPython, in the order they were applied.
    for component in bill["components"]:
        for item in component.get("properties", []):
            if item["name"] == PATCH:
                file, _, digest = item["value"].partition(" sha256:")
                dependencies.append(
                    {
                        "digest": {"sha256": digest},
                        "name": file,
                        "annotations": {"roles": ["patch"]},
                    }
                )
    if facts["revision"]:
        if not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", facts["revision"]):
            raise SbomError(
                f"--//python_images:revision={facts['revision']}",
                "is no full commit id of 40 or 64 hex digits",
                "Pass the output of: git rev-parse HEAD",
            )
        dependencies.append({"name": "python_images", "digest": {"gitCommit": facts["revision"]}})
    dependencies += [
        _resource(uri, sha256, name, roles)
        for uri, sha256, name, roles in sorted(
            (uri, sha256, name, roles) for sha256, (uri, name, roles) in debs.items()
        )
    ]
    dependencies += _wheels(wheels)
    subject = bill["metadata"]["component"]
    return {
        "_type": STATEMENT,
        "subject": [{"name": facts["name"], "digest": {"sha256": subject["hashes"][0]["content"]}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": facts["parameters"],
                "internalParameters": facts["internal"],
                "resolvedDependencies": dependencies,
            },
            "runDetails": {"builder": {"id": facts["builder"] or "urn:python-images:local"}},
        },
    }


def _locked(text: str) -> tuple[str, str, Path]:
    role, suite, path = text.split("=", 2)
    return role, suite, Path(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Write the SLSA provenance of an image.")
    parser.add_argument("--facts", type=Path, required=True, help="JSON, see make()")
    parser.add_argument("--cyclonedx", type=Path, required=True, help="the image's bill")
    parser.add_argument(
        "--locked", type=_locked, action="append", default=[], metavar="ROLE=SUITE=JSON"
    )
    parser.add_argument("--wheels", type=Path, required=True, help="lock of the tools' wheels")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    try:
        facts = json.loads(options.facts.read_bytes())
        bill = json.loads(options.cyclonedx.read_bytes())
        statement = make(facts, bill, options.locked, options.wheels)
    except (SbomError, OSError) as error:
        print(f"provenance: {error}", file=sys.stderr)
        return 2
    options.out.write_text(json.dumps(statement, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
