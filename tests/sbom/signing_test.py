"""Attaching and signing with the real cosign, in a real registry; tampering does not go unseen."""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents.pages import Page
from tools.cli.transfer import Transfer
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OCI_MANIFEST, digest_of_file
from tools.oci.registry.client import Client
from tools.oci.registry.push import Image, push
from tools.oci.registry.push_fixtures import client_of, login
from tools.oci.registry.real_registry import RealRegistry
from tools.oci.registry.upload import upload

COSIGN, ORAS, SIGN = (str(Path(os.environ[name]).absolute()) for name in ("COSIGN", "ORAS", "SIGN"))
LAYOUT = Layout(Path(os.environ["INDEX"]).absolute())
# What the tag stands for, and the image of one of its platforms, which documents are about.
INDEX = LAYOUT.root()["digest"]
DIGEST = Path(os.environ["DIGEST"]).read_text().strip()
DOCUMENTS = {
    kind: next(path for path in map(Path, files.split()) if path.name.endswith(ending))
    for kind, files, ending in [
        ("application/spdx+json", os.environ["SBOM"], ".spdx.json"),
        ("application/vnd.cyclonedx+json", os.environ["SBOM"], ".cdx.json"),
        ("application/vnd.in-toto+json", os.environ["PROVENANCE"], ".intoto.json"),
    ]
}
TAG = os.environ["TAG"]
# What the page's commands name.
PAGES_TAG = "3.14-slim"
# The commands of the page, block by block.
VERIFY = [block.text for block in Page.read(Path(os.environ["PAGE"])).section("Verify").blocks]
# As docs/publishing.md has it: a key of our own, and no transparency log.
KEY = ("--key", "cosign.pub", "--insecure-ignore-tlog=true")


class Published:
    """An image in a registry, attached to and signed; keys and downloads are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = RealRegistry(folder, auth=True)
        self.name = f"{self.registry.host}/team/debian"
        self.login = login(folder, self.registry.host)

    def client(self) -> Client:
        return client_of(self.registry.host, "team/debian", self.login)

    def run(self, *command: str, password: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program, logged in; its HOME is empty, and it is told of no proxy.

        An ordinary user may not look where podman's tools keep logins by themselves: so it is once
        root has run one of them.
        """
        closed = self.folder / "closed"
        closed.mkdir(mode=0, exist_ok=True)
        environment = {
            **self.login,
            "COSIGN_PASSWORD": password,
            "HOME": str(self.folder / "home"),
            "PATH": os.environ["PATH"],
            "RUNFILES_DIR": os.environ["TEST_SRCDIR"],
            "XDG_RUNTIME_DIR": str(closed),
        }
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def sign(self, *more: str, password: str = "") -> subprocess.CompletedProcess[str]:
        return self.run(SIGN, f"--repository={self.name}", *more, password=password)

    def verify(self, reference: str) -> subprocess.CompletedProcess[str]:
        return self.run(COSIGN, "verify", *KEY, self.name + reference)

    def attestation(self, kind: str) -> subprocess.CompletedProcess[str]:
        return self.run(
            COSIGN, "verify-attestation", *KEY, f"--type={kind}", f"{self.name}@{DIGEST}"
        )

    def copy(self, reference: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Fetch an image; with --recursive and all that is attached to it."""
        return self.run(
            *(ORAS, "copy", *more, "--from-plain-http", "--to-oci-layout"),
            *(self.name + reference, "copy:1"),
        )

    def attached(self) -> dict[str, str]:
        """Return the digests of what is attached, by kind, as oras finds them."""
        found = self.run(ORAS, "discover", "--plain-http", "--format=json", f"{self.name}@{DIGEST}")
        assert found.returncode == 0, found.stderr
        return {one["artifactType"]: one["digest"] for one in json.loads(found.stdout)["manifests"]}

    def signatures(self) -> int:
        """Return how many signatures the image has."""
        done = self.verify(f"@{DIGEST}")
        assert done.returncode == 0, done.stderr
        return len(json.loads(done.stdout))

    def stored(self, digest: str) -> Path:
        """Return the file the registry keeps a blob or a manifest in."""
        digits = digest.removeprefix("sha256:")
        return Path(self.folder, "data/docker/registry/v2/blobs/sha256", digits[:2], digits, "data")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    published = Published(tmp_path_factory.mktemp("signed"))
    made = published.run(COSIGN, "generate-key-pair", password="p")
    assert made.returncode == 0, made.stderr
    push(published.client(), [Image(LAYOUT, (TAG, PAGES_TAG))], Transfer())
    done = published.sign("--key=cosign.key", password="p")
    assert done.returncode == 0, done.stderr
    yield published
    published.registry.stop()


@pytest.fixture
def tampered(signed: Published, tmp_path: Path) -> Iterator[Published]:
    """Return a copy of the registry, to do harm to."""
    shutil.copytree(signed.folder / "data", tmp_path / "data")
    shutil.copy(signed.folder / "cosign.pub", tmp_path)
    published = Published(tmp_path)
    yield published
    published.registry.stop()


def flip(path: Path) -> None:
    """Change a byte in the middle of a file; its size stays."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def payload(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the in-toto statement of a verified attestation."""
    assert done.returncode == 0, done.stderr
    statement: dict[str, Any] = json.loads(base64.b64decode(json.loads(done.stdout)["payload"]))
    return statement


def test_index_and_images_are_signed(signed: Published) -> None:
    images = [entry["digest"] for entry, _ in LAYOUT.images()]
    assert len(images) == 2
    assert DIGEST in images
    for digest, reference in [(INDEX, f":{TAG}"), *((one, f"@{one}") for one in (INDEX, *images))]:
        done = signed.verify(reference)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)[0]["critical"]["image"]["docker-manifest-digest"]
        assert told == digest


def pasted(published: Published, text: str) -> subprocess.CompletedProcess[str]:
    """Run commands of the page as they stand there, in this registry; the first fault ends them."""
    home, programs = published.folder / "home", published.folder / "programs"
    for folder in (home / ".cosign", programs):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(published.folder / "cosign.pub", home / ".cosign/python-images.pub")
    # A registry on the loopback speaks HTTP; oras wants to be told so.
    for name, program, option in (("cosign", COSIGN, ""), ("oras", ORAS, " --plain-http")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(program)} "$@"{option}\n')
        (programs / name).chmod(0o755)
    return published.run(
        *("bash", "-euo", "pipefail", "-c"),
        f"PATH={programs}:$PATH\n" + text.replace("HOST/PATH", published.name),
    )


def test_the_page_verifies(signed: Published) -> None:
    done = pasted(signed, VERIFY[0] + "\necho $index $image")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{INDEX} {DIGEST}"
    for name in ("provenance.json", "sbom.json"):
        envelope = json.loads((signed.folder / name).read_bytes())
        statement = json.loads(base64.b64decode(envelope["payload"]))
        assert statement["subject"][0]["digest"]["sha256"] == DIGEST.removeprefix("sha256:")


def test_the_page_fetches_documents(signed: Published) -> None:
    if not shutil.which("jq"):
        pytest.skip("SKIPPED: jq is not installed here")
    done = pasted(signed, "\n".join(VERIFY))
    assert done.returncode == 0, done.stderr
    file = DOCUMENTS["application/spdx+json"]
    assert (signed.folder / file.name).read_bytes() == file.read_bytes()


def test_the_page_finds_another_image_under_the_tag(tampered: Published) -> None:
    manifest = json.loads(tampered.stored(DIGEST).read_bytes())
    manifest["annotations"] = {"org.opencontainers.image.title": "evil"}
    client = tampered.client()
    client.put_manifest(PAGES_TAG, manifest["mediaType"], json.dumps(manifest).encode())
    done = pasted(tampered, VERIFY[0])
    assert done.returncode != 0
    assert "no signatures found" in done.stderr


def test_the_documents_are_attached_and_signed(signed: Published) -> None:
    attached = signed.attached()
    assert attached.keys() == DOCUMENTS.keys()
    for kind, digest in attached.items():
        assert signed.verify(f"@{digest}").returncode == 0
        done = signed.run(ORAS, "pull", "--plain-http", f"{signed.name}@{digest}")
        assert done.returncode == 0, done.stderr
        file = DOCUMENTS[kind]
        assert (signed.folder / file.name).read_bytes() == file.read_bytes()


def test_attestations_say_what_the_files_say(signed: Published) -> None:
    for kind, document in [
        ("slsaprovenance1", "application/vnd.in-toto+json"),
        ("spdxjson", "application/spdx+json"),
    ]:
        statement = payload(signed.attestation(kind))
        assert statement["subject"][0]["digest"]["sha256"] == DIGEST.removeprefix("sha256:")
        told = statement["predicate"]
        expected = json.loads(DOCUMENTS[document].read_bytes())
        if kind == "slsaprovenance1":
            expected = expected["predicate"]
            # cosign writes down what the provenance leaves out.
            assert told["runDetails"].pop("metadata") == {}
        assert told == expected


def test_all_of_it_can_be_copied(signed: Published) -> None:
    # With --recursive this oras wants something attached to the index itself.
    for reference, more in [(f":{TAG}", ()), (f"@{DIGEST}", ("--recursive",))]:
        done = signed.copy(reference, *more)
        assert done.returncode == 0, done.stderr
    copied = {path.name for path in (signed.folder / "copy/blobs/sha256").iterdir()}
    expected = {INDEX, DIGEST, *signed.attached().values()}
    assert {digest.removeprefix("sha256:") for digest in expected} <= copied


@pytest.mark.parametrize("variable", ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE"])
def test_a_login_of_docker_or_podman_will_do(
    signed: Published, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed, "login", {variable: signed.login[variable]})
    assert signed.verify(f":{TAG}").returncode == 0


def test_signing_again_changes_nothing(signed: Published) -> None:
    before = signed.attached(), signed.signatures()
    assert before[1] == 1
    done = signed.sign("--key=cosign.key", password="p")
    assert done.returncode == 0, done.stderr
    assert (signed.attached(), signed.signatures()) == before


def test_a_wrong_password_is_told(signed: Published) -> None:
    done = signed.sign("--key=cosign.key", password="wrong")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("sign: cosign ")
    assert "decrypt" in done.stderr


def test_another_key_has_not_signed(tampered: Published) -> None:
    (tampered.folder / "cosign.pub").unlink()
    assert tampered.run(COSIGN, "generate-key-pair").returncode == 0
    done = tampered.verify(f":{TAG}")
    assert done.returncode != 0
    assert "no matching signatures" in done.stderr
    assert "no matching" in tampered.attestation("spdxjson").stderr


def test_a_changed_layer_is_found_when_it_is_fetched(tampered: Published) -> None:
    manifest = json.loads(tampered.stored(DIGEST).read_bytes())
    flip(tampered.stored(manifest["layers"][0]["digest"]))
    done = tampered.run(
        *(ORAS, "blob", "fetch", "--plain-http", "--output=layer"),
        f"{tampered.name}@{manifest['layers'][0]['digest']}",
    )
    assert done.returncode != 0
    assert "mismatched digest" in done.stderr
    assert tampered.copy(f"@{DIGEST}").returncode != 0


def test_skopeo_finds_a_changed_layer(tampered: Published) -> None:
    if not (skopeo := shutil.which("skopeo")):
        pytest.skip("SKIPPED: skopeo is not installed here")
    manifest = json.loads(tampered.stored(DIGEST).read_bytes())
    flip(tampered.stored(manifest["layers"][0]["digest"]))
    done = tampered.run(
        *(skopeo, "copy", "--insecure-policy", "--src-tls-verify=false"),
        *(f"docker://{tampered.name}@{DIGEST}", "oci:skopeo:1"),
    )
    assert done.returncode != 0
    assert "Digest did not match" in done.stderr


def test_a_changed_manifest_is_found(tampered: Published) -> None:
    flip(tampered.stored(INDEX))
    assert tampered.verify(f":{TAG}").returncode != 0
    assert tampered.copy(f":{TAG}").returncode != 0
    flip(tampered.stored(DIGEST))
    # By digest cosign fetches the signature alone; whoever fetches the image finds it.
    assert tampered.copy(f"@{DIGEST}").returncode != 0


def test_another_image_under_the_tag_is_not_signed(tampered: Published) -> None:
    manifest = json.loads(tampered.stored(DIGEST).read_bytes())
    manifest["annotations"] = {"org.opencontainers.image.title": "evil"}
    client = tampered.client()
    client.put_manifest(TAG, manifest["mediaType"], json.dumps(manifest).encode())
    done = tampered.verify(f":{TAG}")
    assert done.returncode != 0
    assert "no signatures found" in done.stderr
    # What had been signed still is.
    assert tampered.verify(f"@{DIGEST}").returncode == 0


def test_a_changed_document_is_found(tampered: Published) -> None:
    digest = tampered.attached()["application/spdx+json"]
    manifest = json.loads(tampered.stored(digest).read_bytes())
    flip(tampered.stored(manifest["layers"][0]["digest"]))
    done = tampered.run(ORAS, "pull", "--plain-http", f"{tampered.name}@{digest}")
    assert done.returncode != 0
    assert "mismatched digest" in done.stderr


def test_a_document_of_someone_else_is_not_signed(tampered: Published) -> None:
    bill = json.loads(DOCUMENTS["application/spdx+json"].read_bytes())
    bill["packages"] = bill["packages"][:1]
    (tampered.folder / "evil.spdx.json").write_text(json.dumps(bill))
    done = tampered.run(
        *(ORAS, "attach", "--plain-http", "--artifact-type=application/spdx+json"),
        *("--format=json", f"{tampered.name}@{DIGEST}", "evil.spdx.json:application/spdx+json"),
    )
    assert done.returncode == 0, done.stderr
    evil = json.loads(done.stdout)["digest"]
    done = tampered.verify(f"@{evil}")
    assert done.returncode != 0
    assert "no signatures found" in done.stderr


def test_a_changed_attestation_is_found(tampered: Published) -> None:
    client = tampered.client()
    tag = DIGEST.replace(":", "-") + ".att"
    answer = client.manifest(tag, OCI_MANIFEST)
    manifest = json.loads(answer.body)
    for number, layer in enumerate(manifest["layers"]):
        envelope = json.loads(tampered.stored(layer["digest"]).read_bytes())
        statement = json.loads(base64.b64decode(envelope["payload"]))
        statement["predicate"]["comment"] = "evil"
        envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
        # With right digests all the way: only the signature is wrong.
        file = tampered.folder / f"envelope{number}"
        file.write_text(json.dumps(envelope))
        layer["digest"], layer["size"] = digest_of_file(file), file.stat().st_size
        upload(client, layer["digest"], file, layer["size"])
    client.put_manifest(tag, manifest["mediaType"], json.dumps(manifest).encode())
    for kind in ("slsaprovenance1", "spdxjson"):
        done = tampered.attestation(kind)
        assert done.returncode != 0
        assert "no matching attestations" in done.stderr
