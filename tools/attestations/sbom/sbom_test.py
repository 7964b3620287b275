"""Bills of materials of a small image: what is listed, what is refused, what validators say."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from tools.attestations.sbom import cyclonedx, openvex, patches, sbom_fixtures, spdx, write_sbom
from tools.attestations.sbom.documents import document_uuid
from tools.attestations.sbom.model import Bill, Component
from tools.attestations.sbom.sbom_error import SbomError
from tools.attestations.sbom.validate import cyclonedx_faults, ntia_faults, spdx_faults

LIBRARIES = [
    {"name": "mimalloc", "version": "2.1.2", "license": "MIT", "cpe": ""},
    {"name": "expat", "version": "2.8.2", "license": "MIT", "cpe": ""},
]


def make(folder: Path, files: dict[str, bytes] | None = None, **more: object) -> Bill:
    layout = sbom_fixtures.make_layout(
        folder,
        sbom_fixtures.image_files() if files is None else files,
        {"usr/share/doc/demo-tools": "libdemo1"},
        **more,  # type: ignore[arg-type]
    )
    return write_sbom.make(
        layout, sbom_fixtures.FACTS, [sbom_fixtures.locked(folder / "packages.json")], LIBRARIES
    )


def parts(bill: Bill) -> dict[str, Component]:
    return {component.key: component for component in bill.components}


def test_what_is_in_the_image_is_listed(tmp_path: Path) -> None:
    found = parts(make(tmp_path))
    assert sorted(found) == [
        "cpython",
        "cpython/ensurepip/pip",
        "cpython/mimalloc",  # but not expat: no extension module has it
        "deb/demo-tools",
        "deb/libdemo1",
        "os",
        "pypi/demo-pkg",
        "pypi/demo-pkg/inner",
    ]
    assert found["os"].version == "12"
    assert found["pypi/demo-pkg"].purl == "pkg:pypi/demo-pkg@1.5"
    assert found["pypi/demo-pkg"].license == "MIT"
    assert found["pypi/demo-pkg/inner"].version == "3.1"
    assert found["cpython"].sha256 == sbom_fixtures.SOURCE["sha256"]


def test_debian_packages_have_source_checksum_and_licence(tmp_path: Path) -> None:
    found = parts(make(tmp_path))
    library = found["deb/libdemo1"]
    assert library.purl == "pkg:deb/debian/libdemo1@2.0-3%2Bb1?arch=amd64&distro=bookworm"
    assert library.source == ("demo", "1:2.0-3")
    assert library.file == "libdemo1.deb"
    assert library.license.startswith("(GPL-2.0-or-later OR Artistic-1.0) AND LicenseRef-odd-one-")
    assert library.license.endswith(" AND MIT")
    # The tools' folder of documents is a link to the library's.
    assert found["deb/demo-tools"].license == library.license
    assert found["deb/demo-tools"].source == ("demo-tools", "2.0-3~deb12u1")


def test_packages_of_ubuntu_are_ubuntus(tmp_path: Path) -> None:
    listing = sbom_fixtures.locked(tmp_path / "packages.json")
    entries = json.loads(listing.read_text())
    listing.write_text(json.dumps([entry | {"distribution": "ubuntu"} for entry in entries]))
    layout = sbom_fixtures.make_layout(
        tmp_path, sbom_fixtures.image_files(), {"usr/share/doc/demo-tools": "libdemo1"}
    )
    bill = write_sbom.make(layout, sbom_fixtures.FACTS, [listing], LIBRARIES)
    library = parts(bill)["deb/libdemo1"]
    assert library.purl.startswith("pkg:deb/ubuntu/libdemo1@")
    assert library.supplier == "Ubuntu"
    rendered = cyclonedx.render(bill)
    assert "pkg:deb/ubuntu/demo@" in rendered
    assert "pkg:deb/debian" not in rendered


def test_both_formats_are_valid(tmp_path: Path) -> None:
    bill = make(tmp_path)
    assert spdx_faults(spdx.render(bill)) == []
    assert ntia_faults(spdx.render(bill)) == []
    assert cyclonedx_faults(cyclonedx.render(bill)) == []


def test_every_part_has_a_supplier(tmp_path: Path) -> None:
    found = parts(make(tmp_path))
    assert {key: part.supplier for key, part in found.items()} == {
        "cpython": "Python Software Foundation",
        # What CPython's source and its ensurepip bring along comes from there.
        "cpython/ensurepip/pip": "Python Software Foundation",
        "cpython/mimalloc": "Python Software Foundation",
        "deb/demo-tools": "Debian",
        "deb/libdemo1": "Debian",
        "os": "Debian GNU/Linux",
        "pypi/demo-pkg": "Python Package Index",
        "pypi/demo-pkg/inner": "Python Package Index",
    }


@pytest.mark.parametrize(
    ("lines", "supplier"),
    [
        ("Author-email: The pip developers <distutils-sig@python.org>", "The pip developers"),
        ("Author: A. Person\nAuthor-email: a@example.org", "A. Person"),
        ("Author: A\nMaintainer: B", "B"),
        ("Author-email: One <a@example.org>, b@example.org", "One, b@example.org"),
        ("Author:\nMaintainer-email: ", "Python Package Index"),
    ],
)
def test_makers_of_a_python_package(tmp_path: Path, lines: str, supplier: str) -> None:
    files = sbom_fixtures.image_files()
    (path,) = (path for path in files if path.endswith("/METADATA"))
    files[path] += f"{lines}\n".encode()
    bill = make(tmp_path, files)
    found = parts(bill)
    assert found["pypi/demo-pkg"].supplier == found["pypi/demo-pkg/inner"].supplier == supplier
    assert ntia_faults(spdx.render(bill)) == []


def test_who_publishes_the_image(tmp_path: Path) -> None:
    bill = make(tmp_path)
    bill = dataclasses.replace(bill, subject=dataclasses.replace(bill.subject, supplier="Acme"))
    assert json.loads(spdx.render(bill))["packages"][0]["supplier"] == "Organization: Acme"
    component = json.loads(cyclonedx.render(bill))["metadata"]["component"]
    assert component["supplier"] == {"name": "Acme"}
    assert cyclonedx_faults(cyclonedx.render(bill)) == []
    layout = sbom_fixtures.make_layout(
        tmp_path, sbom_fixtures.image_files(), {"usr/share/doc/demo-tools": "libdemo1"}
    )
    facts = sbom_fixtures.FACTS | {"vendor": "Acme"}
    made = write_sbom.make(
        layout, facts, [sbom_fixtures.locked(tmp_path / "packages.json")], LIBRARIES
    )
    assert made.subject.supplier == "Acme"


def test_the_validators_find_faults(tmp_path: Path) -> None:
    bill = make(tmp_path)
    assert spdx_faults(spdx.render(bill).replace('"SHA256"', '"SHA1"'))
    without = spdx.render(bill).replace('"supplier": "Organization: Debian",', "")
    assert "libdemo1: no supplier" in ntia_faults(without)
    assert cyclonedx_faults(cyclonedx.render(bill).replace('"SHA-256"', '"SHA-257"'))
    assert cyclonedx_faults(cyclonedx.render(bill).replace('"MIT"', '"MITT"'))


def test_equal_images_give_equal_documents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = make(tmp_path / "a"), make(tmp_path / "b")
    assert spdx.render(one) == spdx.render(two)
    assert cyclonedx.render(one) == cyclonedx.render(two)
    other = dataclasses.replace(one, components=one.components[1:])
    namespace = json.loads(spdx.render(one))["documentNamespace"]
    assert json.loads(spdx.render(other))["documentNamespace"] != namespace


PATCH = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+\xc3\xa4\n"


def patched(folder: Path) -> Bill:
    """The bill of an image whose CPython is patched twice."""
    rows = []
    for number, origin in enumerate(["https://example.org/commit/1", ""], 1):
        data = PATCH * number
        (folder / f"{number}.patch").write_bytes(data)
        rows.append(
            {
                "file": f"patches/3.13.99/{number}.patch",
                "sha256": hashlib.sha256(data).hexdigest(),
                "fixes": ["CVE-2026-1234", "GHSA-2222-3333-4444"] if origin else [],
                "origin": origin,
                "path": f"{number}.patch",
            }
        )
    (folder / "patches.json").write_text(json.dumps(rows))
    plain = make(folder)
    layout, changes = folder / "layout", patches.read(folder / "patches.json")
    locked = sbom_fixtures.locked(folder / "packages.json")
    bill = write_sbom.make(layout, sbom_fixtures.FACTS, [locked], LIBRARIES, changes)
    assert bill != plain
    return bill


def test_patches_are_the_pedigree_of_cpython(tmp_path: Path) -> None:
    text = cyclonedx.render(patched(tmp_path))
    assert cyclonedx_faults(text) == []
    (found,) = [one for one in json.loads(text)["components"] if one["bom-ref"] == "cpython"]
    # Scanners know it by its release.
    assert (found["version"], found["cpe"].split(":")[5]) == ("3.13.99", "3.13.99")
    assert found["pedigree"]["ancestors"][0]["purl"] == found["purl"]
    first, second = found["pedigree"]["patches"]
    assert (first["type"], second["type"]) == ("backport", "unofficial")
    assert base64.b64decode(first["diff"]["text"]["content"]) == PATCH
    assert first["diff"]["url"] == "https://example.org/commit/1"
    assert [one["id"] for one in first["resolves"]] == ["CVE-2026-1234", "GHSA-2222-3333-4444"]
    assert first["resolves"][0]["source"]["url"].endswith("/CVE-2026-1234")
    assert "resolves" not in second
    assert found["properties"][0]["value"] == (
        f"patches/3.13.99/1.patch sha256:{hashlib.sha256(PATCH).hexdigest()}"
    )


def test_patches_are_files_that_were_applied(tmp_path: Path) -> None:
    text = spdx.render(patched(tmp_path))
    assert spdx_faults(text) == []
    document = json.loads(text)
    files = {one["SPDXID"]: one for one in document["files"]}
    relations = document["relationships"]
    applied = [one for one in relations if "PATCH" in one["relationshipType"]]
    assert [relation["spdxElementId"] for relation in applied] == list(files)
    assert {relation["relatedSpdxElement"] for relation in applied} == {spdx.spdx_id("cpython")}
    first = files[applied[0]["spdxElementId"]]
    assert first["fileName"] == "./patches/3.13.99/1.patch"
    digests = {one["algorithm"]: one["checksumValue"] for one in first["checksums"]}
    assert digests["SHA256"] == hashlib.sha256(PATCH).hexdigest()
    assert first["comment"] == (
        "Fixes CVE-2026-1234, GHSA-2222-3333-4444. Upstream: https://example.org/commit/1"
    )


def test_what_patches_fix_is_said_of_this_image(tmp_path: Path) -> None:
    bill = patched(tmp_path)
    document = json.loads(openvex.render(bill))
    assert [one["vulnerability"]["name"] for one in document["statements"]] == [
        "CVE-2026-1234",
        "GHSA-2222-3333-4444",
    ]
    for statement in document["statements"]:
        assert statement["status"] == "fixed"
        (product,) = statement["products"]
        assert product["@id"] == bill.subject.purl
        assert product["subcomponents"] == [{"@id": parts(bill)["cpython"].purl}]


def test_another_patch_than_the_catalog_s_is_refused(tmp_path: Path) -> None:
    patched(tmp_path)
    (tmp_path / "2.patch").write_bytes(PATCH)
    with pytest.raises(SbomError, match=r"patches/3.13.99/2.patch: has sha256 .*, not"):
        patches.read(tmp_path / "patches.json")


def test_documents_of_unpatched_images_know_no_patches(tmp_path: Path) -> None:
    bill = make(tmp_path)
    assert "patch" not in cyclonedx.render(bill)
    assert "patch" not in spdx.render(bill).lower()
    # The identity is a digest of what was in a bill before there were patches.
    held = dataclasses.asdict(bill)
    for component in held["components"]:
        assert component.pop("patches") == ()
    digest = hashlib.sha256(("SPDX-2.3\n" + json.dumps(held, sort_keys=True)).encode()).hexdigest()
    assert document_uuid(bill, "SPDX-2.3").hex[:12] == digest[:12]


def test_a_package_outside_of_the_locks_is_refused(tmp_path: Path) -> None:
    files = sbom_fixtures.image_files()
    files["var/lib/dpkg/status"] += (
        b"\nPackage: sneaked-in\nStatus: install ok installed\nArchitecture: all\nVersion: 6\n"
    )
    with pytest.raises(SbomError, match="sneaked-in 6 all is installed, but none of the package"):
        make(tmp_path, files)


def test_a_changed_python_file_is_refused(tmp_path: Path) -> None:
    files = sbom_fixtures.image_files()
    files["usr/local/lib/python3.13/site-packages/demo_pkg/__init__.py"] = b"import evil\n"
    with pytest.raises(SbomError, match=r"demo_pkg/__init__\.py: differs; .*RECORD lists it"):
        make(tmp_path, files)


def distroless(interpreter: bytes) -> dict[str, bytes]:
    """The image's files without headers, and with a package database of a file for each package."""
    files = sbom_fixtures.image_files()
    for paragraph in files.pop("var/lib/dpkg/status").decode().split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in paragraph.splitlines())
        if fields.pop("Status", "").endswith(" installed"):
            name = f"var/lib/dpkg/status.d/{fields['Package']}"
            files[name] = "".join(f"{key}: {value}\n" for key, value in fields.items()).encode()
            files[f"{name}.md5sums"] = b"0  usr/lib/x\n"
    for header in ("patchlevel.h", "pyconfig.h"):
        del files[f"usr/local/include/python3.13/{header}"]
    files["usr/local/bin/python3.13"] = interpreter
    data = "usr/local/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py"
    return files | {data: b"build_time_vars = {\n    'WITH_MIMALLOC': 1,\n}\n"}


def test_a_distroless_image_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    usual = make(tmp_path / "usual")
    made = make(tmp_path, distroless(b"\x7fELF 3.1.4\0\0003.13.99\0\0003.13.99\0"))
    assert made.components == usual.components


@pytest.mark.parametrize("interpreter", [b"no version", b"\0003.13.98\0\0003.13.99\0"])
def test_an_interpreter_that_does_not_say_its_version_is_refused(
    tmp_path: Path, interpreter: bytes
) -> None:
    with pytest.raises(SbomError, match=r"has neither patchlevel\.h nor an interpreter of CPython"):
        make(tmp_path, distroless(interpreter))


def test_another_interpreter_than_of_its_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SbomError, match=r"python3\.13: is of CPython 3\.13\.1, not of 3\.13\.99"):
        make(tmp_path, distroless(b"\0003.13.1\0"))


def test_another_python_than_its_source_is_refused(tmp_path: Path) -> None:
    files = sbom_fixtures.image_files()
    files["usr/local/include/python3.13/patchlevel.h"] = b'#define PY_VERSION "3.13.1"\n'
    with pytest.raises(SbomError, match=r"is of CPython 3\.13\.1, not of 3\.13\.99"):
        make(tmp_path, files)


def test_upper_layers_win(tmp_path: Path) -> None:
    site = "usr/local/lib/python3.13/site-packages"
    above = {
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="13"\n',
        f"{site}/.wh.demo_pkg-1.5.dist-info": b"",
        f"{site}/demo_pkg/.wh..wh..opq": b"",
    }
    found = parts(make(tmp_path, above=above))
    assert found["os"].version == "13"
    assert not [key for key in found if key.startswith("pypi/")]


def test_a_damaged_layer_is_refused(tmp_path: Path) -> None:
    layout = sbom_fixtures.make_layout(tmp_path, sbom_fixtures.image_files())
    manifest = json.loads((layout / "index.json").read_text())["manifests"][0]
    blobs = layout / "blobs" / "sha256"
    layers = json.loads((blobs / manifest["digest"][7:]).read_text())["layers"]
    blob = blobs / layers[0]["digest"][7:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes() + b"\0")
    facts, out = tmp_path / "facts.json", tmp_path / "out"
    facts.write_text(json.dumps(sbom_fixtures.FACTS))
    status = write_sbom.main(
        [f"--image={layout}", f"--facts={facts}", f"--spdx={out}", f"--cyclonedx={out}"]
    )
    assert status == 2
    assert not out.exists()
