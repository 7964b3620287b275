"""Locks, YAML, JSON and OCI layouts that are damaged or hostile: a result, or the one error."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.attestations.cves import bill, secdb, tracker, vex
from tools.attestations.cves.advisory_fixtures import TRACKER, statement, write_bill, write_vex
from tools.attestations.cves.cves_error import CvesError
from tools.attestations.cves.findings import find
from tools.catalog import family_load, load, versions_json
from tools.catalog.catalog_error import CatalogError
from tools.fuzz.inputs import damaged, hostile, hostile_few, in_time, json_like
from tools.matrix import outputs
from tools.oci import blob, validate
from tools.oci.assembler.image import ImageSpec, build
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import OciError
from tools.packages.alpine import lockfile as alpine_lock
from tools.packages.debian import lockfile
from tools.packages.lines import LockError
from tools.testing.summary import EventError, summarise
from tools.text import strict_json

FOLDER = Path(tempfile.mkdtemp())
CATALOG = Path("catalog")
LOCK = (
    "suite bookworm\narch arm64\nsnapshot 20261120T060000Z\n"
    f"zlib1g 1:1.2-1 arm64 pool/main/z/zlib/zlib1g_1.2-1_arm64.deb {'a' * 64} 12 base=dependency\n"
)
ALPINE_LOCK = (
    "release alpine3.24\narch x86_64\ntime 20240309T160000Z\n"
    "repository https://mirror.example/alpine/v3.24/main\n"
    f"musl 1.2.5-r1 v3.24/main/x86_64/musl-1.2.5-r1.apk {'0' * 64} Q1{'a' * 27}= 9 base=requested\n"
)
VERSIONS = json.dumps(
    {
        "3.14": {
            "version": "3.14.6",
            "variants": ["trixie", "slim-trixie"],
            "setuptools": {"version": "70.0.0"},
            "checksums": {"source": {"sha256": "a" * 64}},
        }
    }
).encode()
FAMILY = (CATALOG / "families/2026-02.yaml").read_bytes()


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


@hostile
@given(damaged(st.sampled_from([LOCK.encode(), ALPINE_LOCK.encode()])))
def test_locks(data: bytes) -> None:
    for read in (lockfile.read, alpine_lock.read):
        path = written("bookworm_arm64.lock", data)
        with in_time(), contextlib.suppress(LockError):
            read(path)
    with contextlib.suppress(LockError):
        for package in lockfile.parse(data.decode("latin-1"), "x").packages:
            assert ".." not in package.path.split("/")
            assert not set(package.path) & set("?#% \\'\"\n")


@hostile
@given(damaged(st.just(VERSIONS)) | json_like().map(lambda value: json.dumps(value).encode()))
def test_versions_json(data: bytes) -> None:
    with in_time(), contextlib.suppress(CatalogError):
        family = versions_json.read(written("versions.json", data), CATALOG)
        for release in family.releases:
            assert not set(release.setuptools or "") & set("';|&$` \n\"\\")


@hostile
@given(damaged(st.just(FAMILY)))
def test_families(data: bytes) -> None:
    with in_time(), contextlib.suppress(CatalogError):
        family_load.load_file(written("mine.yaml", data), CATALOG)


@hostile_few
@given(damaged(st.just((CATALOG / "versions.yaml").read_bytes())))
def test_catalogs(data: bytes) -> None:
    with in_time(), contextlib.suppress(CatalogError):
        load.load(CATALOG, versions=written("versions.yaml", data))


@hostile
@given(st.binary(max_size=200) | damaged(st.just(VERSIONS)))
def test_json(data: bytes) -> None:
    with in_time(), contextlib.suppress(ValueError):
        strict_json.parse(data)


EVENTS = "".join(
    json.dumps(event) + "\n"
    for event in [
        {
            "id": {"started": {}},
            "children": [{"progress": {}}, {"pattern": {"pattern": ["//..."]}}],
        },
        {
            "id": {"unconfiguredLabel": {"label": "//external:cpython_source_3"}},
            "aborted": {"reason": "LOADING_FAILURE", "description": "error: gone"},
        },
        {
            "id": {"actionCompleted": {"label": "//a"}},
            "action": {"type": "OCIImage", "label": "@@//a", "stderr": {"uri": "file:///absent"}},
        },
        {
            "id": {"testResult": {"label": "//a"}},
            "testResult": {"testActionOutput": [{"name": "test.log", "uri": "file:///absent"}]},
        },
        {"id": {"testSummary": {"label": "//a"}}, "testSummary": {"overallStatus": "PASSED"}},
        {
            "id": {"targetCompleted": {"label": "//b"}},
            "children": [{"actionCompleted": {"label": "//a"}}],
            "completed": {"success": False},
        },
    ]
).encode()


@hostile
@given(damaged(st.just(EVENTS)))
def test_events(data: bytes) -> None:
    path = written("events.json", data)
    with in_time(), contextlib.suppress(EventError):
        summarise([path])
    with in_time(), contextlib.suppress(EventError):
        outputs.failures([path])


@hostile
@given(st.lists(json_like(), max_size=3))
def test_other_json_than_events(values: list[Any]) -> None:
    path = written("events.json", "".join(json.dumps(value) + "\n" for value in values).encode())
    with in_time(), contextlib.suppress(EventError):
        summarise([path])
    with in_time(), contextlib.suppress(EventError):
        outputs.failures([path])


BILL = write_bill(FOLDER).read_bytes()
VEX = write_vex(
    FOLDER,
    statement("CVE-2026-1", "pkg:deb/debian/demo?arch=source"),
    statement("CVE-2", "pkg:a/b"),
).read_bytes()
DATA = json.dumps(TRACKER).encode()
SECDB = json.dumps(
    {
        "distroversion": "v3.24",
        "reponame": "main",
        "packages": [{"pkg": {"name": "zlib", "secfixes": {"1.2-r1": ["CVE-1", "CVE-2 (+ x)"]}}}],
    }
).encode()


@hostile
@given(
    which=st.integers(0, 3),
    data=damaged(st.sampled_from([BILL, VEX, DATA, SECDB]))
    | json_like().map(lambda value: json.dumps(value).encode()),
)
def test_vulnerabilities(which: int, data: bytes) -> None:
    names = ["bill.json", "vex.json", "data.json", "secdb.json"]
    contents = [BILL, VEX, DATA, SECDB]
    contents[which] = data
    paths = [written(name, content) for name, content in zip(names, contents, strict=True)]
    with in_time():
        with contextlib.suppress(CvesError):
            statements = vex.read([paths[1]])
            find(bill.read(paths[0]), tracker.load(["data.json"], FOLDER), statements)
        with contextlib.suppress(CvesError):
            secdb.load(["secdb.json"], FOLDER).entries("zlib", "alpine-3.24")


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def layout(changes: dict[str, Any], layer: bytes) -> Path:
    """A layout whose documents have some values replaced."""
    path = Path(tempfile.mkdtemp(dir=FOLDER))
    (path / "blobs/sha256").mkdir(parents=True)

    def stored(data: bytes, kind: str) -> dict[str, Any]:
        (path / "blobs/sha256" / digest(data).removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["A=b"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created": "2026-01-01T00:00:00Z"}],
    } | changes.get("config", {})
    manifest = {
        "schemaVersion": 2,
        "mediaType": validate.MANIFEST,
        "config": stored(dump(config), validate.CONFIG),
        "layers": [stored(layer, validate.LAYER)],
    } | changes.get("manifest", {})
    root = stored(dump(manifest), validate.MANIFEST) | changes.get("descriptor", {})
    index = {"schemaVersion": 2, "manifests": [root]} | changes.get("index", {})
    (path / "index.json").write_bytes(dump(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def make_layer() -> bytes:
    path = FOLDER / "layer.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    return path.read_bytes()


LAYER = make_layer()
VALUES = st.dictionaries(
    st.sampled_from(
        (
            "architecture", "os", "variant", "created", "config", "rootfs", "history", "layers",
            "manifests", "mediaType", "digest", "size", "annotations", "platform", "schemaVersion",
        )
    ),
    json_like(),
    max_size=3,
)  # fmt: skip


@hostile_few
@given(
    changes=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("config", "manifest", "descriptor", "index"), VALUES)
    ),
    layer=st.just(LAYER) | damaged(st.just(LAYER)),
)
def test_layouts(changes: dict[str, Any], layer: bytes) -> None:
    path = layout(changes, layer)
    with in_time():
        validate.Validator(path).run()
        with contextlib.suppress(OciError):
            read = Layout(path)
            read.images()
            read.for_architecture("arm64")
            read.sources()
        with contextlib.suppress(OciError):
            build(ImageSpec(base=path, env=[("B", "$A")]), path / "built")


@hostile_few
@given(
    entries=st.lists(VALUES, min_size=1, max_size=3),
    index=VALUES,
    architecture=st.sampled_from(("amd64", "arm64")),
)
def test_indexes(entries: list[dict[str, Any]], index: dict[str, Any], architecture: str) -> None:
    path = layout({}, LAYER)
    (image,) = json.loads((path / "index.json").read_text())["manifests"]
    data = json.dumps({"manifests": [image | more for more in entries]} | index).encode()
    (path / "blobs/sha256" / digest(data).removeprefix("sha256:")).write_bytes(data)
    root = {"mediaType": validate.INDEX, "digest": digest(data), "size": len(data)}
    (path / "index.json").write_text(json.dumps({"manifests": [root]}))
    with in_time():
        validate.Validator(path).run()
        with contextlib.suppress(OciError):
            Layout(path).images()
        with contextlib.suppress(OciError):
            Layout(path).for_architecture(architecture).image()


@hostile
@given(damaged(st.sampled_from([LAYER, b"\x1f\x8b" + LAYER, b"\x28\xb5\x2f\xfd" + LAYER])))
def test_blobs(data: bytes) -> None:
    with in_time(), contextlib.suppress(blob.BlobError):
        for _ in blob.pieces(written("blob", data)):
            pass


def test_the_whole_inputs_are_read() -> None:
    assert lockfile.parse(LOCK, "x").packages
    assert alpine_lock.parse(ALPINE_LOCK, "x").packages
    assert versions_json.read(written("versions.json", VERSIONS), CATALOG).releases
    assert validate.Validator(layout({}, LAYER)).run() == []
    assert Layout(layout({}, LAYER)).images()
    assert len(vex.read([written("vex.json", VEX)])) == 2
