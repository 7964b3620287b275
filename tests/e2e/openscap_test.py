"""OpenSCAP on the files of hardened images, with the profile that Debian has for its systems."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.debian_program import command, with_libraries
from tools.bootstrap.common import BootstrapError
from tools.sandbox.layout import open_layers, read_image

IMAGES = [Path(name) for name in os.environ["IMAGES"].split()]
NOT_FOR_CONTAINERS: dict[str, str] = tomllib.loads(
    Path(__file__).with_name("openscap.toml").read_text()
)
PROFILE = "xccdf_org.ssgproject.content_profile_standard"
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
_RULE = "xccdf_org.ssgproject.content_rule_"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="SKIPPED: only root can unpack files with their owners"
)


@pytest.fixture(scope="module", name="programs")
def _programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        wanted = ("openscap-scanner", "ssg-debian")
        return with_libraries(wanted, tmp_path_factory.mktemp("openscap"))
    except BootstrapError as error:
        pytest.skip(f"SKIPPED: OpenSCAP is not available: {str(error).splitlines()[0]}")


@pytest.fixture(scope="module", name="results", params=IMAGES, ids=lambda path: path.name)
def _results(
    request: pytest.FixtureRequest, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """By rule, what oscap says of an image."""
    folder = tmp_path_factory.mktemp("image")
    root = folder / "root"
    root.mkdir()
    _unpack(request.param, root)
    release = re.search(r'^VERSION_ID="(\d+)"', (root / "etc/os-release").read_text(), re.MULTILINE)
    assert release
    content = programs / f"usr/share/xml/scap/ssg/content/ssg-debian{release[1]}-ds.xml"
    share, out = programs / "usr/share/openscap", folder / "results.xml"
    done = subprocess.run(
        [
            *command(programs, "usr/bin/oscap"),
            *["xccdf", "eval", f"--profile={PROFILE}", f"--results={out}", str(content)],
        ],
        env={
            "OSCAP_CPE_PATH": f"{share}/cpe",
            "OSCAP_PROBE_ROOT": str(root),
            "OSCAP_SCHEMA_PATH": f"{share}/schemas",
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # 2: a rule is broken.
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return dict(_read(out))


def _unpack(layout: Path, root: Path) -> None:
    """Unpack an image's layers, which take nothing away from each other."""
    with ExitStack() as stack:
        for _, layer in open_layers(read_image(layout), stack):
            with tarfile.open(fileobj=layer, mode="r|") as tar:
                tar.extractall(root, numeric_owner=True, filter="fully_trusted")
    # The form of the package database that oscap knows.
    database = root / "var/lib/dpkg/status"
    if not database.exists():
        files = sorted(database.with_name("status.d").iterdir())
        rows = [file.read_text() for file in files if file.suffix != ".md5sums"]
        installed = "\nStatus: install ok installed\n"
        # A blank line ends a package, the last one too: else oscap takes all others for installed.
        database.write_text("".join(row.replace("\n", installed, 1) + "\n" for row in rows))
    # As podman does: rules for machines aren't for containers.
    (root / "run/.containerenv").touch()


def _read(results: Path) -> Iterator[tuple[str, str]]:
    """The rules of the profile, and what became of them."""
    for rule in ElementTree.parse(results).iter(f"{XCCDF}rule-result"):
        result = rule.findtext(f"{XCCDF}result", "")
        if result != "notselected":
            yield rule.attrib["idref"].removeprefix(_RULE), result


def test_every_rule_for_containers_passes(results: dict[str, str]) -> None:
    others = {rule: said for rule, said in results.items() if said != "notapplicable"}
    assert others == dict.fromkeys(others, "pass")


def test_what_is_not_applicable_has_a_reason(results: dict[str, str]) -> None:
    skipped = [rule for rule, said in results.items() if said == "notapplicable"]
    patterns = [re.compile(pattern) for pattern in NOT_FOR_CONTAINERS]
    assert [rule for rule in skipped if not any(one.fullmatch(rule) for one in patterns)] == []
    assert [one.pattern for one in patterns if not any(map(one.fullmatch, skipped))] == []


def test_files_and_packages_have_been_looked_at(results: dict[str, str]) -> None:
    passed = {rule for rule, said in results.items() if said == "pass"}
    assert {
        "file_owner_etc_passwd",
        "file_permissions_etc_shadow",
        "package_nis_removed",
        "package_telnetd_removed",
    } <= passed
