"""Images, indexes and archives from tiny layers, down to their golden digests."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.oci.assembler import archive, assemble, image, layer
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import DOCKER_MANIFEST, Json, OciError, digest_of

CREATED = "2026-01-02T03:04:05Z"


def tar_bytes(name: str = "hello", content: bytes = b"hello\n", mtime: int = 0) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mtime = mtime
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def layer_in(folder: Path, name: str = "hello", data: bytes | None = None) -> image.LayerSource:
    blob, facts = folder / f"{name}.tar", folder / f"{name}.json"
    blob.write_bytes(tar_bytes(name) if data is None else data)
    layer.write(blob, facts)
    return image.LayerSource(blob, facts, f"bazel build //:{name}")


def build(folder: Path, name: str = "image", **settings: object) -> Layout:
    if "base" not in settings:
        settings.setdefault("platform", {"architecture": "amd64", "os": "linux"})
    settings.setdefault("created", CREATED)
    image.build(image.ImageSpec(**settings), folder / name)  # type: ignore[arg-type]
    return Layout(folder / name)


def config_of(layout: Layout) -> Json:
    return layout.document(layout.image()[1]["config"])


def test_golden_digest(tmp_path: Path) -> None:
    # A change here changes the digest of every image that is built anew.
    layout = build(
        tmp_path,
        layers=[layer_in(tmp_path)],
        env=[("PATH", "/bin"), ("LANG", "C.UTF-8")],
        cmd=["python3"],
        labels={"b": "2", "a": "1"},
        annotations={"org.opencontainers.image.title": "tiny"},
    )
    assert layout.root()["digest"] == (
        "sha256:4eeff128ea0ad907f4ec25551d910c8d5728d041150f837564ab15c7c0ebfb10"
    )
    assert config_of(layout) == {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/bin", "LANG=C.UTF-8"],
            "Cmd": ["python3"],
            "Labels": {"a": "1", "b": "2"},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar_bytes())]},
        "history": [{"created": CREATED, "created_by": "bazel build //:hello"}],
    }


def test_upon_a_base(tmp_path: Path) -> None:
    below = layer_in(tmp_path, "below")
    build(
        tmp_path,
        "base",
        layers=[below],
        platform={"architecture": "arm64", "os": "linux", "variant": "v8"},
        env=[("PATH", "/bin"), ("KEEP", "a=b")],
        cmd=["sh"],
        labels={"from": "base", "both": "base"},
        annotations={"a": "base"},
        volumes=["/v"],
        user="1:2",
    )
    above = layer_in(tmp_path, "above", gzip.compress(tar_bytes("above"), mtime=0))
    layout = build(
        tmp_path,
        "app",
        base=tmp_path / "base",
        layers=[above],
        env=[("PATH", "/opt:${PATH}:$NONE")],
        entrypoint=["/opt/run"],
        labels={"both": "app"},
        annotations={"b": "app"},
        exposed_ports=["80/tcp"],
        workdir="/w",
    )
    config = config_of(layout)
    assert config["variant"] == "v8"
    assert config["config"] == {
        "Env": ["PATH=/opt:/bin:", "KEEP=a=b"],
        "Volumes": {"/v": {}},
        "Labels": {"both": "app", "from": "base"},
        "User": "1:2",
        "Entrypoint": ["/opt/run"],
        "ExposedPorts": {"80/tcp": {}},
        "WorkingDir": "/w",
    }
    manifest = layout.image()[1]
    assert manifest["annotations"] == {"a": "base", "b": "app"}
    assert [entry["mediaType"].rpartition(".")[2] for entry in manifest["layers"]] == [
        "tar",
        "tar+gzip",
    ]
    assert config["rootfs"]["diff_ids"] == [
        digest_of(tar_bytes("below")),
        digest_of(tar_bytes("above")),
    ]
    for entry in manifest["layers"]:
        assert digest_of(layout.blob(entry["digest"]).read_bytes()) == entry["digest"]


ANNOTATION = "org.opencontainers.image.created"


def test_an_image_is_as_new_as_the_newest_file_in_it(tmp_path: Path) -> None:
    old = layer_in(tmp_path, "old", tar_bytes("old", mtime=1_600_000_000))
    new = layer_in(tmp_path, "new", gzip.compress(tar_bytes("new", mtime=1_700_000_000)))
    settings: dict[str, Any] = {"created": None, "newest": True, "annotations": {ANNOTATION: ""}}
    layout = build(tmp_path, layers=[new, old], **settings)
    config, manifest = config_of(layout), layout.image()[1]
    assert config["created"] == manifest["annotations"][ANNOTATION] == "2023-11-14T22:13:20Z"
    assert {entry["created"] for entry in config["history"]} == {"2023-11-14T22:13:20Z"}
    # What lies upon it may be older, or newer.
    newer = layer_in(tmp_path, "newer", tar_bytes("newer", mtime=1_700_000_001))
    for name, source, created in (("a", old, 20), ("b", newer, 21)):
        upon = build(tmp_path, name, base=tmp_path / "image", layers=[source], **settings)
        assert config_of(upon)["created"] == f"2023-11-14T22:13:{created}Z"
        assert upon.image()[1]["annotations"][ANNOTATION] == f"2023-11-14T22:13:{created}Z"
    # A time that is given goes before, and without the option the base's stays.
    given = build(tmp_path, "c", layers=[new], **(settings | {"created": CREATED}))
    assert config_of(given)["created"] == given.image()[1]["annotations"][ANNOTATION] == CREATED
    stays = build(tmp_path, "d", base=tmp_path / "image", layers=[newer], created=None)
    assert config_of(stays)["created"] == "2023-11-14T22:13:20Z"


def test_layers_that_tell_no_time(tmp_path: Path) -> None:
    source = layer_in(tmp_path)
    facts = json.loads(source.facts.read_text())
    del facts["newest"]
    source.facts.write_text(json.dumps(facts))
    layout = build(tmp_path, layers=[source], created=None, newest=True)
    assert config_of(layout)["created"] == "1970-01-01T00:00:00Z"
    for newest, why in (("5", "newest is '5'"), (-1, "newest is -1"), (10**12, "`created`")):
        source.facts.write_text(json.dumps(facts | {"newest": newest}))
        with pytest.raises(OciError, match=why):
            build(tmp_path, "wrong", layers=[source], created=None, newest=True)


def test_an_index_is_as_new_as_its_newest_image(tmp_path: Path) -> None:
    times = {"amd64": "2026-01-02T03:04:05Z", "arm64": "2026-01-02T03:04:04.9+00:00"}
    for name, created in times.items():
        platform = {"architecture": name, "os": "linux"}
        build(tmp_path, name, platform=platform, layers=[layer_in(tmp_path)], created=created)
    annotations = tmp_path / "annotations.txt"
    annotations.write_text(f"{ANNOTATION}=\n")
    arguments = [f"--image={tmp_path / name}" for name in times]
    out = tmp_path / "index"
    assert (
        assemble.main(["index", f"--output={out}", f"--annotations={annotations}", *arguments]) == 0
    )
    layout = Layout(out)
    assert layout.document(layout.root())["annotations"] == {ANNOTATION: times["amd64"]}


def test_a_docker_base_stays_one(tmp_path: Path) -> None:
    base = build(tmp_path, "base", layers=[layer_in(tmp_path, "below")])
    text = (base.path / "index.json").read_text()
    (base.path / "index.json").write_text(
        text.replace("application/vnd.oci.image.manifest.v1+json", DOCKER_MANIFEST)
    )
    above = layer_in(tmp_path, "above", gzip.compress(tar_bytes(), mtime=0))
    manifest = build(tmp_path, "app", base=base.path, layers=[above]).image()[1]
    assert manifest["mediaType"] == DOCKER_MANIFEST
    assert manifest["layers"][1]["mediaType"] == (
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    )


@pytest.mark.parametrize("members", [1, 3])
def test_layers_of_several_gzip_members(tmp_path: Path, members: int) -> None:
    data = tar_bytes("big", bytes(3_000_000))
    cut = len(data) // members + 1
    blob = tmp_path / "layer.tar.gz"
    blob.write_bytes(b"".join(gzip.compress(data[i : i + cut]) for i in range(0, len(data), cut)))
    assert layer.inspect(blob)["diffId"] == digest_of(data)


def test_damaged_layers_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(tar_bytes("big", bytes(range(256)) * 900))
    blob = tmp_path / "layer.tar.gz"
    for damaged, why in (
        (whole[:-9], "ends too early"),
        (whole[:200] + b"\xff\xff\xff" + whole[203:], "damaged gzip"),
    ):
        blob.write_bytes(damaged)
        with pytest.raises(OciError, match=f"layer.tar.gz: .*{why}"):
            layer.inspect(blob)


def test_a_blob_that_is_not_its_descriptors(tmp_path: Path) -> None:
    source = layer_in(tmp_path)
    source.blob.write_bytes(b"other")
    with pytest.raises(OciError, match=r"hello\.tar: 5 bytes, but its descriptor says 10240"):
        build(tmp_path, layers=[source])
    # Without index.json: nobody takes the half for a layout.
    assert not (tmp_path / "image" / "index.json").exists()


def index_of(folder: Path, *platforms: str, variant: str = "") -> Path:
    arguments = ["index", f"--output={folder / 'index'}", f"--digest={folder / 'digest'}"]
    for number, architecture in enumerate(platforms):
        platform = {"architecture": architecture, "os": "linux", "variant": variant}
        build(folder, f"{number}", platform=platform, layers=[layer_in(folder)])
        arguments.append(f"--image={folder / str(number)}")
    assert assemble.main(arguments) == 0
    return folder / "index"


def test_an_index_names_platforms(tmp_path: Path) -> None:
    layout = Layout(index_of(tmp_path, "amd64", "arm64", variant="v8"))
    assert (tmp_path / "digest").read_text() == layout.root()["digest"] + "\n"
    assert [entry["platform"] for entry, _ in layout.images()] == [
        {"architecture": "amd64", "os": "linux", "variant": "v8"},
        {"architecture": "arm64", "os": "linux", "variant": "v8"},
    ]
    # The common layer is there once, with two manifests, two configs and the index.
    assert len(list((tmp_path / "index/blobs/sha256").iterdir())) == 6


def test_one_platform_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):
        index_of(tmp_path, "amd64", "amd64")
    assert "are both for the platform" in capsys.readouterr().err


def packed(image_path: Path, form: str, *tags: str) -> dict[str, bytes]:
    out = io.BytesIO()
    archive.write(image_path, form, list(tags), out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in files.items() if file}


def test_docker_archive(tmp_path: Path) -> None:
    build(tmp_path, layers=[layer_in(tmp_path)])
    files = packed(tmp_path / "image", "docker", "a/b:1", "a/b:2")
    (listing,) = json.loads(files["manifest.json"])
    assert listing["RepoTags"] == ["a/b:1", "a/b:2"]
    assert json.loads(files[listing["Config"]])["os"] == "linux"
    assert [files[name] for name in listing["Layers"]] == [tar_bytes()]
    with pytest.raises(OciError, match='format "docker" holds one image'):
        archive.write(index_of(tmp_path, "amd64"), "docker", [], io.BytesIO())


def test_oci_archive(tmp_path: Path) -> None:
    path = index_of(tmp_path, "amd64", "s390x")
    files = packed(path, "oci", "a/b:1", "a/b:2")
    names = [
        entry["annotations"]["org.opencontainers.image.ref.name"]
        for entry in json.loads(files["index.json"])["manifests"]
    ]
    assert names == ["a/b:1", "a/b:2"]
    blobs = {name for name in files if name.startswith("blobs/")}
    assert blobs == {f"blobs/sha256/{blob.name}" for blob in (path / "blobs/sha256").iterdir()}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"platform": None}, "needs a base image or an operating system"),
        ({"created": "yesterday"}, "'yesterday' is not a time"),
        ({"base": Path("/nonexistent")}, "/nonexistent: not an OCI layout"),
    ],
)
def test_wrong_settings(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(OciError, match=why):
        build(tmp_path, **settings)


def test_a_line_that_is_no_pair(tmp_path: Path) -> None:
    file = tmp_path / "env.txt"
    file.write_text("A=1\nB\n")
    with pytest.raises(OciError, match=r"env\.txt: 'B' is not of the form key=value"):
        assemble.pairs_of(file)


@pytest.mark.parametrize(
    "option", ["annotations", "cmd", "created", "entrypoint", "env", "exposed-ports", "volumes"]
)
def test_settings_that_are_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "settings").write_bytes(b"a=\xff")
    words = ["image", "--os=linux", "--architecture=amd64", f"--output={tmp_path / 'image'}"]
    assert assemble.main([*words, f"--{option}={tmp_path / 'settings'}"]) == 1
    assert f"{tmp_path / 'settings'}: not UTF-8" in capsys.readouterr().err


def test_a_base_with_half_a_character(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = build(tmp_path, layers=[layer_in(tmp_path)])
    entry, manifest = layout.image()
    config = {**config_of(layout), "author": "\ud800"}
    for document, named in ((config, manifest["config"]), (manifest, entry)):
        data = json.dumps(document).encode()
        named |= {"digest": digest_of(data), "size": len(data)}
        (layout.path / "blobs" / digest_of(data).replace(":", "/")).write_bytes(data)
    (layout.path / "index.json").write_text(json.dumps({"manifests": [entry]}))
    words = ["image", f"--base={layout.path}", f"--output={tmp_path / 'upon'}"]
    assert assemble.main(words) == 1
    assert "not JSON: has '\\ud800' in a text, half of a character" in capsys.readouterr().err
