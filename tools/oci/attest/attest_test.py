"""Attaching documents and signing, against a registry in memory and a stand-in for cosign."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.attestations.sbom import cyclonedx, sbom_fixtures, spdx, write_sbom
from tools.cli.transfer import Transfer
from tools.oci.assembler.layout import Layout
from tools.oci.attest import about, attest, referrers
from tools.oci.attest.cosign import Cosign
from tools.oci.registry.fake_registry import FakeRegistry
from tools.oci.registry.push import Image, push
from tools.oci.registry.push_fixtures import client_of, make_layout
from tools.oci.registry.registry_error import RegistryError

# Stands for cosign 3: it writes down how it is called.
COSIGN = """\
#!/bin/sh
case "$*" in
    *--help) echo "      --use-signing-config   whether to" ;;
    *REFUSED*) echo "some warning" >&2; echo "Error: no such key" >&2; exit 1 ;;
    *) echo "$*" >>{log} ;;
esac
"""


@pytest.fixture(params=[False, True], ids=["tags", "referrers-api"])
def registry(request: pytest.FixtureRequest) -> Iterator[FakeRegistry]:
    with FakeRegistry(lists_referrers=request.param) as running:
        yield running


def write_plan(folder: Path, layout: Layout, leave_out: int = 0) -> Path:
    """Write documents for the images of a layout, and the plan that names them."""
    attestations = []
    for number, (entry, _) in enumerate(layout.images()):
        digest = entry["digest"].removeprefix("sha256:")
        contents: dict[str, dict[str, Any]] = {
            "spdx": {
                "SPDXID": "SPDXRef-DOCUMENT",
                "packages": [
                    {
                        "SPDXID": "SPDXRef-image",
                        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
                    },
                    {"SPDXID": "SPDXRef-package"},
                ],
                "relationships": [
                    {
                        "spdxElementId": "SPDXRef-DOCUMENT",
                        "relationshipType": "DESCRIBES",
                        "relatedSpdxElement": "SPDXRef-image",
                    },
                    {
                        "spdxElementId": "SPDXRef-image",
                        "relationshipType": "CONTAINS",
                        "relatedSpdxElement": "SPDXRef-package",
                    },
                ],
            },
            "cyclonedx": {
                "metadata": {
                    "timestamp": "2026-01-02T03:04:05Z",
                    "component": {"hashes": [{"alg": "SHA-256", "content": digest}]},
                },
            },
            "provenance": {
                "subject": [{"name": f"image {number}", "digest": {"sha256": digest}}],
                "predicate": {"number": number},
            },
        }
        files = {}
        for name, content in contents.items():
            path = folder / f"{number}.{name}.json"
            path.write_text(json.dumps(content))
            files[name] = str(path)
        attestations.append(files)
    plan = folder / "plan.json"
    image = {
        "name": "1.2-slim",
        "layout": str(layout.path),
        "attestations": attestations[leave_out:],
    }
    plan.write_text(json.dumps(image))
    return plan


def add_vex(folder: Path, plan: Path, digest: str, statements: int = 1) -> None:
    """Give the plan's first image a document of what its patches fix."""
    document = folder / "0.vex.json"
    product = {"@id": f"pkg:oci/python@{digest}?arch=amd64", "subcomponents": []}
    statement = {"vulnerability": {"name": "CVE-2026-1234"}, "products": [product]}
    document.write_text(json.dumps({"statements": [statement] * statements}))
    told = json.loads(plan.read_text())
    told["attestations"][0]["vex"] = str(document)
    plan.write_text(json.dumps(told))


def pushed(folder: Path, registry: FakeRegistry) -> Layout:
    layout = Layout(make_layout(folder))
    push(client_of(registry.host), [Image(layout, ("1-slim",))], Transfer())
    return layout


def run(registry: FakeRegistry, plan: Path, *words: str) -> int:
    return attest.main([f"--plan={plan}", f"--repository={registry.host}/team/app", *words])


def test_documents_are_attached_to_each_image(tmp_path: Path, registry: FakeRegistry) -> None:
    layout = pushed(tmp_path, registry)
    plan = write_plan(tmp_path, layout)
    assert run(registry, plan, "--attach-only") == 0
    client = client_of(registry.host)
    for entry, _ in layout.images():
        found = referrers.attached(client, entry["digest"])
        assert [one["artifactType"] for one in found] == [
            "application/spdx+json",
            "application/vnd.cyclonedx+json",
            "application/vnd.in-toto+json",
        ]
        for one in found:
            manifest = json.loads(registry.manifests[one["digest"]][1])
            assert manifest["subject"] == {
                key: entry[key] for key in ("mediaType", "digest", "size")
            }
            assert manifest["layers"][0]["digest"] in registry.blobs
    before = dict(registry.manifests), registry.received
    assert run(registry, plan, "--attach-only") == 0
    assert (dict(registry.manifests), registry.received) == before


def test_what_others_attached_stays(tmp_path: Path, registry: FakeRegistry) -> None:
    layout = pushed(tmp_path, registry)
    entry, _ = layout.images()[0]
    client = client_of(registry.host)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        document = referrers.Document(tmp_path / name, "text/plain", "2026-01-02T03:04:05Z")
        referrers.attach(client, entry, document)
    assert run(registry, write_plan(tmp_path, layout), "--attach-only") == 0
    assert len(referrers.attached(client, entry["digest"])) == 5


def test_an_image_that_is_not_there_is_refused(
    tmp_path: Path, registry: FakeRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(make_layout(tmp_path))
    assert run(registry, write_plan(tmp_path, layout), "--attach-only") == 1
    assert "is not there; push it first" in capsys.readouterr().err
    assert not registry.manifests
    assert not registry.blobs


def test_every_image_needs_its_documents(tmp_path: Path) -> None:
    layout = Layout(make_layout(tmp_path))
    with pytest.raises(RegistryError, match=r"1\.2-slim: no document is about sha256:"):
        attest.read_plan(write_plan(tmp_path, layout, leave_out=1))


def test_documents_of_another_build_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    plan = write_plan(tmp_path, Layout(make_layout(tmp_path / "other", seed=3)))
    told = json.loads(plan.read_text())
    told["layout"] = str(make_layout(tmp_path))
    plan.write_text(json.dumps(told))
    with pytest.raises(RegistryError, match="not the image to attach it to; build both again"):
        attest.read_plan(plan)


def _other_subject(told: Any) -> None:
    told["subject"].append({"name": "other", "digest": {"sha256": "0" * 64}})


def _no_subject(told: Any) -> None:
    told["subject"] = []


def _other_package(told: Any) -> None:
    told["packages"][0]["checksums"][0]["checksumValue"] = "0" * 64


def _another_package(told: Any) -> None:
    checksums = [{"algorithm": "SHA256", "checksumValue": "0" * 64}]
    told["packages"].append({"SPDXID": "SPDXRef-other", "checksums": checksums})
    told["documentDescribes"] = ["SPDXRef-other"]


def _nothing_described(told: Any) -> None:
    told["relationships"] = []


def _without_checksums(told: Any) -> None:
    del told["packages"][0]["checksums"]


def _other_component(told: Any) -> None:
    told["metadata"]["component"]["hashes"][0]["content"] = "0" * 64


def test_what_patches_fix_is_attached_to_the_image_that_has_them(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    layout = pushed(tmp_path, registry)
    plan = write_plan(tmp_path, layout)
    (first, _), *others = layout.images()
    add_vex(tmp_path, plan, first["digest"])
    assert run(registry, plan, "--attach-only") == 0
    client = client_of(registry.host)
    kinds = [one["artifactType"] for one in referrers.attached(client, first["digest"])]
    assert kinds.count("application/vnd.openvex+json") == 1
    for other, _ in others:
        found = referrers.attached(client, other["digest"])
        assert len(found) == len(kinds) - 1


def test_a_patch_that_fixes_no_vulnerability_has_nothing_to_attach(tmp_path: Path) -> None:
    layout = Layout(make_layout(tmp_path))
    plan = write_plan(tmp_path, layout)
    (first, _), *_ = layout.images()
    add_vex(tmp_path, plan, first["digest"], statements=0)
    _, _, (statements, *_) = attest.read_plan(plan)
    assert len(statements.documents) == 3


def test_what_other_images_patches_fix_is_refused(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, Layout(make_layout(tmp_path)))
    add_vex(tmp_path, plan, "sha256:" + "0" * 64)
    with pytest.raises(RegistryError, match=r"0\.vex\.json: is about sha256:000"):
        attest.read_plan(plan)
    add_vex(tmp_path, plan, "1.2-slim")
    with pytest.raises(RegistryError, match=r"0\.vex\.json: doesn't say which image"):
        attest.read_plan(plan)


def _two_hashes(told: Any) -> None:
    told["metadata"]["component"]["hashes"].append({"alg": "SHA-256", "content": "0" * 64})


def _no_component(told: Any) -> None:
    told["metadata"]["component"] = "text"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("provenance", _other_subject),
        ("provenance", _no_subject),
        ("spdx", _other_package),
        ("spdx", _another_package),
        ("spdx", _nothing_described),
        ("spdx", _without_checksums),
        ("cyclonedx", _other_component),
        ("cyclonedx", _two_hashes),
        ("cyclonedx", _no_component),
    ],
)
def test_documents_about_other_images_are_refused(
    tmp_path: Path, kind: str, change: Callable[[Any], None]
) -> None:
    plan = write_plan(tmp_path, Layout(make_layout(tmp_path)))
    path = tmp_path / f"0.{kind}.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    with pytest.raises(RegistryError, match=rf"0\.{kind}\.json: (is about|doesn't say)"):
        attest.read_plan(plan)


@pytest.mark.parametrize(
    ("kind", "change", "why"),
    [
        ("cyclonedx", lambda told: told["metadata"].pop("timestamp"), "when it was made"),
        ("cyclonedx", lambda told: told["metadata"].update(timestamp=5), "when it was made"),
        ("provenance", lambda told: told.pop("predicate"), "no object `predicate`"),
        ("provenance", lambda told: told.update(predicate=[]), "no object `predicate`"),
    ],
)
def test_documents_that_say_too_little_are_refused(
    tmp_path: Path, kind: str, change: Callable[[Any], object], why: str
) -> None:
    plan = write_plan(tmp_path, Layout(make_layout(tmp_path)))
    path = tmp_path / f"0.{kind}.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    with pytest.raises(RegistryError, match=rf"0\.{kind}\.json: .*{why}"):
        attest.read_plan(plan)


def test_the_bills_we_make_say_what_they_are_about(tmp_path: Path) -> None:
    layout = sbom_fixtures.make_layout(tmp_path, sbom_fixtures.image_files(), {})
    bill = write_sbom.make(
        layout, sbom_fixtures.FACTS, [sbom_fixtures.locked(tmp_path / "packages.json")], []
    )
    for kind, render in ((about.spdx, spdx.render), (about.cyclonedx, cyclonedx.render)):
        path = tmp_path / "document.json"
        path.write_text(render(bill))
        assert kind(path) == bill.subject.digest


def test_documents_of_a_sibling_are_refused(tmp_path: Path) -> None:
    # Each is about an image of the layout, but not about one and the same.
    plan = write_plan(tmp_path, Layout(make_layout(tmp_path)))
    one, other = tmp_path / "0.spdx.json", tmp_path / "1.spdx.json"
    before = one.read_text()
    one.write_text(other.read_text())
    other.write_text(before)
    with pytest.raises(RegistryError, match="not the image to attach it to"):
        attest.read_plan(plan)


def test_all_manifests_are_signed(tmp_path: Path, registry: FakeRegistry) -> None:
    layout = pushed(tmp_path, registry)
    log, program, key = tmp_path / "log", tmp_path / "cosign", tmp_path / "k.key"
    program.write_text(COSIGN.format(log=log))
    program.chmod(0o755)
    key.write_text("secret")
    plan = write_plan(tmp_path, layout)
    assert run(registry, plan, f"--key={key}", f"--cosign={program}") == 0
    calls = log.read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["attest"] * 4 + ["sign"]
    assert all("--tlog-upload=false --yes --use-signing-config=false" in call for call in calls)
    names = [word.partition("@")[2] for word in calls[-1].split() if "@" in word]
    images = [entry["digest"] for entry, _ in layout.images()]
    assert names[0] == layout.root()["digest"]
    # The index, two images, three documents each.
    assert len(set(names)) == len(names) == 9
    assert set(images) < set(names)


def test_a_password_is_asked_for_once(
    tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = pushed(tmp_path, registry)
    log, program, key = tmp_path / "log", tmp_path / "cosign", tmp_path / "k.key"
    program.write_text(COSIGN.replace('echo "$*"', 'echo "$COSIGN_PASSWORD"').format(log=log))
    program.chmod(0o755)
    key.write_text("secret")
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "p4ss"

    # What the program sets is gone after the test.
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    monkeypatch.delenv("COSIGN_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", ask)
    plan = write_plan(tmp_path, layout)
    assert run(registry, plan, f"--key={key}", f"--cosign={program}") == 0
    assert asked == [f"Password of {key}: "]
    assert set(log.read_text().splitlines()) == {"p4ss"}


def test_cosigns_own_error_is_shown(tmp_path: Path) -> None:
    program = tmp_path / "cosign"
    program.write_text(COSIGN.format(log=tmp_path / "log"))
    program.chmod(0o755)
    with pytest.raises(RegistryError, match="cosign sign: Error: no such key"):
        Cosign(str(program), "REFUSED").sign(["host/app@sha256:0"])
    with pytest.raises(RegistryError, match="name another with --cosign"):
        Cosign(str(tmp_path / "none"), "k").sign(["host/app@sha256:0"])
