"""A Windows image: its documents, what of it stays elsewhere, indexes with others."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.oci.assembler import image as linux_image
from tools.oci.assembler import index, layer
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import BASE_NAME, OciError
from tools.oci.validate import Validator
from tools.windows import image
from tools.windows.windows_fixtures import Base, digest, make_image


def documents(layout: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(manifest, config) of an image."""
    found = Layout(layout)
    _, manifest = found.image()
    return manifest, found.document(manifest["config"])


def test_the_documents(tmp_path: Path) -> None:
    base = Base()
    layout = make_image(tmp_path, base)
    manifest, config = documents(layout)
    assert (config["os"], config["architecture"]) == ("windows", "amd64")
    assert config["os.version"] == base.os_version
    assert config["config"] == {
        "Env": [
            "PATH=C:\\Python\\Scripts\\;C:\\Python\\;C:\\Windows\\system32;C:\\Windows",
            "PYTHONIOENCODING=UTF-8",
            "PYTHON_VERSION=3.14.7",
            "PYTHON_SHA256=ab",
        ],
        "Cmd": ["python"],
        "Shell": ["powershell", "-Command"],
    }
    assert [entry["digest"] for entry in manifest["layers"][:2]] == [digest(b) for b in base.layers]
    assert [entry["size"] for entry in manifest["layers"][:2]] == [len(b) for b in base.layers]
    assert config["rootfs"]["diff_ids"][:2] == [digest(tar) for tar in base.tars]
    assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 3
    # In docker-library's order; only what has files is a layer.
    assert [
        (entry["created_by"], entry.get("empty_layer", False)) for entry in config["history"]
    ] == [
        ("Apply image 10.0.26100.1", False),
        ("Install update 10.0.26100.4652", False),
        ("SHELL [powershell -Command]", True),
        ("ENV PATH=C:\\Python\\Scripts\\;C:\\Python\\;...", True),
        ("ENV PYTHONIOENCODING=UTF-8", True),
        ("ENV PYTHON_VERSION=3.14.7", True),
        ("ENV PYTHON_SHA256=ab", True),
        ("bazel build //:python", False),
        ('CMD ["python"]', True),
    ]
    assert manifest["annotations"] == {
        "org.opencontainers.image.base.digest": digest(base.manifest),
        BASE_NAME: "windows/servercore:ltsc2025",
        "org.opencontainers.image.version": "3.14.7",
    }
    assert (tmp_path / "digest").read_text().strip() == Layout(layout).root()["digest"]


def test_the_bases_layers_are_named_and_not_there(tmp_path: Path) -> None:
    base = Base()
    layout = make_image(tmp_path, base)
    manifest, _ = documents(layout)
    assert [(entry.get("annotations") or {}).get(BASE_NAME) for entry in manifest["layers"]] == [
        "windows/servercore:ltsc2025",
        "windows/servercore:ltsc2025",
        None,
    ]
    # Manifest, configuration, our layer.
    assert len(list((layout / "blobs/sha256").iterdir())) == 3
    validator = Validator(layout)
    assert validator.run() == []
    assert validator.platforms == ["windows/amd64"]


def test_an_outline_is_the_same_image(tmp_path: Path) -> None:
    whole = make_image(tmp_path / "a", Base())
    outline = make_image(tmp_path / "b", Base(), "ltsc2025", "--outline")
    assert Layout(outline).root() == Layout(whole).root()
    assert [source.label for source in Layout(outline).sources().values()] == ["//:python"]


def test_it_is_as_new_as_the_newest_of_what_is_inside(tmp_path: Path) -> None:
    created = "org.opencontainers.image.created"
    base = "2026-11-08T04:19:26.1234567Z"  # the layer's files have times of 1970
    layout = make_image(tmp_path / "a", Base(), created=None, annotations={created: ""})
    manifest, config = documents(layout)
    assert config["created"] == manifest["annotations"][created] == base
    assert config["history"][0]["created"] == "2025-10-09T07:51:18Z"
    assert {entry["created"] for entry in config["history"][1:]} == {base}
    given = make_image(tmp_path / "b", Base(), created="2026-08-05T00:00:00Z")
    assert documents(given)[1]["created"] == "2026-08-05T00:00:00Z"


@pytest.mark.parametrize(
    ("base", "path"),
    [
        (["Path=D:\\x", "TEMP=t"], ["TEMP=t", "PATH=C:\\Python;D:\\x"]),
        (["A=b"], ["A=b", "PATH=C:\\Python;C:\\Windows"]),
        (["python_version=2"], ["PATH=C:\\Python;C:\\Windows"]),
    ],
)
def test_the_environment(base: list[str], path: list[str]) -> None:
    settings = image.Settings(
        created="",
        path=["C:\\Python"],
        system_path=["C:\\Windows"],
        env=[("PYTHON_VERSION", "3")],
    )
    assert image.environment(base, settings) == [*path, "PYTHON_VERSION=3"]


def test_settings_of_the_base(tmp_path: Path) -> None:
    base = Base(
        config={
            "Hostname": "x",
            "Entrypoint": ["shell"],
            "WorkingDir": "C:\\",
            "User": "ContainerUser",
            "Labels": None,
        }
    )
    layout = make_image(tmp_path, base)
    _, config = documents(layout)
    assert config["config"]["WorkingDir"] == "C:\\"
    assert config["config"]["User"] == "ContainerUser"
    assert not {"Hostname", "Entrypoint", "Labels"} & config["config"].keys()
    assert Validator(layout).run() == []


def test_an_index_of_both_releases_and_linux(tmp_path: Path) -> None:
    older = Base(os_version="10.0.20348.5499", foreign=True)
    images = [make_image(tmp_path / "a", Base()), make_image(tmp_path / "b", older, "ltsc2022")]
    (tmp_path / "linux.tar").write_bytes(bytes(10240))
    layer.write(tmp_path / "linux.tar", tmp_path / "linux.json")
    source = linux_image.LayerSource(tmp_path / "linux.tar", tmp_path / "linux.json", "", "")
    spec = linux_image.ImageSpec(platform={"os": "linux", "architecture": "amd64"}, layers=[source])
    linux_image.build(spec, tmp_path / "linux")
    index.build([tmp_path / "linux", *images], {}, tmp_path / "index")
    validator = Validator(tmp_path / "index")
    assert validator.run() == []
    assert validator.platforms == ["linux/amd64", "windows/amd64", "windows/amd64"]
    found = Layout(tmp_path / "index")
    assert [
        entry["platform"].get("os.version") for entry in found.document(found.root())["manifests"]
    ] == [None, "10.0.26100.4652", "10.0.20348.5499"]


def test_two_images_for_one_windows(tmp_path: Path) -> None:
    images = [make_image(tmp_path / "a", Base()), make_image(tmp_path / "b", Base(), "ltsc2022")]
    with pytest.raises(OciError, match="are both for the platform"):
        index.build(images, {}, tmp_path / "index")


def test_a_wrong_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_image(tmp_path, Base())
    lock = tmp_path / "ltsc2025.lock"
    lock.write_text(lock.read_text().replace("26100.4652", "26100.4653", 1))
    arguments = [f"--lock={lock}", f"--settings={tmp_path / 'settings.json'}"]
    assert image.main([*arguments, f"--output={tmp_path / 'other'}"]) == 1
    assert "ltsc2025.lock: says something else" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_layer_in_the_form_of_linux(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_image(tmp_path, Base())
    with tarfile.open(tmp_path / "linux.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("usr/bin/python"))
    layer.write(tmp_path / "linux.tar.gz", tmp_path / "linux.json")
    arguments = [f"--lock={tmp_path / 'ltsc2025.lock'}", f"--settings={tmp_path / 'settings.json'}"]
    arguments += ["--layer", str(tmp_path / "linux.tar.gz"), str(tmp_path / "linux.json"), "", ""]
    assert image.main([*arguments, f"--output={tmp_path / 'other'}"]) == 1
    told = capsys.readouterr().err
    assert "linux.tar.gz: can't be a layer on Windows: 'usr/bin/python' is neither in Files" in told
    assert not (tmp_path / "other").exists()


def test_validation_of_what_stays_elsewhere(tmp_path: Path) -> None:
    layout = make_image(tmp_path, Base())
    # A base layer that is there after all, and a layer of ours that isn't.
    blob = layout / "blobs/sha256" / digest(Base().layers[0]).removeprefix("sha256:")
    blob.write_bytes(Base().layers[0])
    assert "is the base's and yet there" in "\n".join(Validator(layout).run())
    blob.unlink()
    manifest, _ = documents(layout)
    ours = manifest["layers"][2]["digest"].removeprefix("sha256:")
    (layout / "blobs/sha256" / ours).unlink()
    assert f"{ours} is missing" in "\n".join(Validator(layout).run())
