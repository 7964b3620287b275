"""Locks as uv and pip-compile write them, and locks that can't serve."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.wheels.locks import fetch, pylock, requirements_txt, uv_lock
from tools.wheels.locks.choose import choose, rank
from tools.wheels.locks.pins import LockError, Pin, Wheel
from tools.wheels.locks.read import read
from tools.wheels.locks.target import Target, named_by_pip

GOLDEN = Path(__file__).parent / "golden"
AMD64 = Target.of("amd64", "3.13.5", "glibc 2.41")
ARM64 = Target.of("arm64", "3.13.5", "glibc 2.36")
MUSL = Target.of("amd64", "3.13.5", "musl 1.2")
NO_GIL = Target.of("amd64", "3.14.0t", "glibc 2.41")
HASH = "0" * 64
ONE = f"--hash=sha256:{HASH}"
TWO = f"--hash=sha256:{'1' * 64}"


def pins(name: str, target: Target) -> dict[str, Pin]:
    return {pin.name: pin for pin in read(GOLDEN / name, name).pins(target)}


def requirements(text: str, target: Target = AMD64) -> list[Pin]:
    return requirements_txt.parse(text, "requirements.txt").pins(target)


@pytest.mark.parametrize("name", ["uv.txt", "pylock.toml", "uv.lock"])
@pytest.mark.parametrize("target", [AMD64, ARM64, MUSL], ids=str)
def test_the_markers_of_the_image_count(name: str, target: Target) -> None:
    found = pins(name, target)
    assert {"httpx", "h2", "uvloop", "anyio"} <= found.keys()
    assert "colorama" not in found  # Windows alone
    assert "iniconfig" not in found  # a development group
    assert ("sniffio" in found) == (target is ARM64)
    assert all(pin.hashes for pin in found.values())


def test_pip_compile_locks_for_one_platform() -> None:
    found = pins("pip-compile.txt", AMD64)
    assert len(found["uvloop"].hashes) > 10
    assert found.keys() == pins("uv.txt", AMD64).keys()


def test_all_forms_say_the_same() -> None:
    for target in (AMD64, ARM64, MUSL):
        said = {
            name: {(pin.name, pin.version) for pin in pins(name, target).values()}
            for name in ("uv.txt", "pylock.toml", "uv.lock")
        }
        assert said["uv.txt"] == said["pylock.toml"] == said["uv.lock"]


@pytest.mark.parametrize("name", ["pylock.toml", "uv.lock"])
@pytest.mark.parametrize(
    ("target", "tag"),
    [
        (AMD64, "cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        (ARM64, "cp313-cp313-manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64"),
        (MUSL, "cp313-cp313-musllinux_1_2_x86_64"),
        (NO_GIL, "cp314-cp314t-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
    ],
    ids=str,
)
def test_the_wheel_for_the_image(name: str, target: Target, tag: str) -> None:
    pin = pins(name, target)["uvloop"]
    chosen = choose(pin, pin.wheels or (), target)
    assert chosen.filename == f"uvloop-{pin.version}-{tag}.whl"
    line = fetch.requirement(pin, target)
    assert line == f"uvloop=={pin.version} --hash=sha256:{chosen.sha256}"
    # What only has hashes has that one, too.
    assert chosen.sha256 in pins("uv.txt", target)["uvloop"].hashes


def test_no_wheel_for_the_platform() -> None:
    riscv64 = Target.of("riscv64", "3.13.5", "glibc 2.41")
    pin = pins("uv.lock", riscv64)["uvloop"]
    with pytest.raises(LockError) as raised:
        choose(pin, pin.wheels or (), riscv64)
    said = str(raised.value)
    assert said.startswith(
        f"uv.lock: uvloop: uvloop {pin.version} has no wheel for riscv64, Python 3.13, g"
    )
    assert "manylinux_2_28_aarch64.whl" in said
    assert "macosx" not in said


def test_only_the_source() -> None:
    with pytest.raises(LockError, match="only its source") as raised:
        choose(Pin("x", "1", "uv.lock: x", (), ()), (), AMD64)
    assert not raised.value.relock


@pytest.mark.parametrize(
    ("text", "name", "version", "count"),
    [
        (f"click==8.5.1 {ONE}\n", "click", "8.5.1", 1),
        (f"click==8.5.1 \\\n    {ONE} \\\n    {TWO}\n    # via x\n", "click", "8.5.1", 2),
        (f"click==8.5.1 {ONE} {TWO}  # via x", "click", "8.5.1", 2),
        (f"Click[Foo,bar]==8.5.1 ; python_version >= '3.9' \\\n  {ONE}\n", "click", "8.5.1", 1),
        (f"a.b_c===1.0+local --hash sha256:{HASH}\n", "a-b-c", "1.0+local", 1),
        (f"click==1 \\\r\n    {ONE}\r\n", "click", "1", 1),
        (f"# -*- x\n\n--index-url https://example.org/simple\nx==1 {ONE}\n", "x", "1", 1),
        (
            f"x==1 ; sys_platform == 'linux' {ONE}\nx==2 ; sys_platform == 'win32' {TWO}",
            "x",
            "1",
            1,
        ),
        (f"x==1 ; os_name == 'posix' {ONE}\nx==1 ; sys_platform == 'linux' {TWO}", "x", "1", 2),
    ],
)
def test_lines_of_requirements(text: str, name: str, version: str, count: int) -> None:
    (pin,) = requirements(text)
    assert (pin.name, pin.version, len(pin.hashes)) == (name, version, count)


def test_indexes_of_requirements() -> None:
    text = (
        "-i https://example.org/simple\n--extra-index-url=https://example.org/more\n"
        f"--trusted-host example.org\n--no-index\n--only-binary :all:\n--pre\nx==1 {ONE}\n"
    )
    assert requirements_txt.parse(text, "r").index_options == [
        "--index-url https://example.org/simple",
        "--extra-index-url https://example.org/more",
        "--trusted-host example.org",
        "--no-index",
    ]


def test_a_wheel_by_its_address() -> None:
    url = "https://example.org/x-1-py3-none-any.whl"
    (pin,) = requirements(f"x @ {url} {ONE}\n")
    assert fetch.requirement(pin, AMD64) == f"x @ {url} {ONE}"
    (pin,) = requirements(f"x @ https://example.org/x-1.tar.gz {ONE}\n")
    with pytest.raises(LockError, match="only its source"):
        fetch.requirement(pin, AMD64)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("click==8.5.1\n", "requirements.txt:1: click==8.5.1 has no --hash"),
        (
            f"a==1 {ONE}\n\nclick[foo]==8 ; os_name == 'x'\n",
            r"txt:3: click\[foo\]==8 has no --hash",
        ),
        (f"click>=8 {ONE}\n", "txt:1: 'click>=8' pins no version"),
        (f"click {ONE}\n", "pins no version"),
        (f"click==8.* {ONE}\n", "pins no version, but many"),
        ("click==8 --hash=md5:abc\n", "the hash 'md5:abc' is no sha256"),
        (f"click==8 --hash=sha384:{'0' * 96}\n", "is no sha256"),
        ("click==8 --hash=sha256:abc\n", "64 hexadecimal digits, not 'abc'"),
        (f"click==8 --config-settings=x {ONE}\n", "--config-settings=x is not understood"),
        (f"click=8 {ONE}\n", "'click=8'"),
        ("-e .\n", "a project of this machine: lock without it"),
        ("./dist/x-1-py3-none-any.whl\n", "a project of this machine"),
        ("-r other.txt\n", "txt:1: -r has no place in a lock"),
        ("--no-binary=:all:\n", "--no-binary has no place"),
        ("--index-url\n", "not understood: '--index-url'"),
        ("--index-url 'x\n", "No closing quotation"),
        (
            f"x==1 {ONE}\nx==2 {ONE}\n",
            r"txt:2: x 2 is to be installed beside x 1 \(requirements.txt:1",
        ),
    ],
)
def test_requirements_that_cannot_serve(text: str, why: str) -> None:
    with pytest.raises(LockError, match=why):
        requirements(text)


def standard(change: Callable[[dict[str, object]], object]) -> None:
    document = tomllib.loads((GOLDEN / "pylock.toml").read_text())
    change(document)
    pylock.parse(document, "pylock.toml").pins(AMD64)


def package(document: dict[str, object], key: str, name: str) -> dict[str, object]:
    (found,) = [each for each in document[key] if each["name"] == name]  # type: ignore[attr-defined]
    return dict.__getitem__({"": found}, "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.update({"lock-version": "2.0"}), "pylock.toml: .*2.0"),
        (lambda d: d.update({"requires-python": ">=3.14"}), "for Python >=3.14, and the image has"),
        (lambda d: d.update(environments=["sys_platform == 'win32'"]), "none of the environments"),
        (lambda d: d.pop("packages"), "pylock.toml: .*packages"),
        (
            lambda d: package(d, "packages", "h2")["wheels"][0].update(hashes={"md5": "x"}),  # type: ignore[index]
            "h2: .* has no sha256",
        ),
        (
            lambda d: package(d, "packages", "h2").update(
                {"wheels": None, "sdist": None, "directory": {"path": "."}}
            ),
            "from a folder or a repository",
        ),
    ],
)
def test_a_standard_lock_that_cannot_serve(
    change: Callable[[dict[str, object]], object], why: str
) -> None:
    with pytest.raises(LockError, match=why):
        standard(change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d.update(version=9), "version 9 of the format isn't known"),
        (lambda d: d.update({"requires-python": ">=3.14"}), "for Python >=3.14, and the image has"),
        (lambda d: d.pop("package"), "no project that needs"),
        (lambda d: package(d, "package", "h2").update(source={"git": "x"}), "h2: it comes from"),
        (lambda d: package(d, "package", "h2")["wheels"][0].pop("hash"), "h2-.* has no hash"),  # type: ignore[index]
        (lambda d: d["package"].remove(package(d, "package", "h2")), "h2: it has 0 packages"),
    ],
)
def test_a_lock_of_uv_that_cannot_serve(
    change: Callable[[dict[str, object]], object], why: str
) -> None:
    document = tomllib.loads((GOLDEN / "uv.lock").read_text())
    change(document)
    with pytest.raises(LockError, match=why):
        uv_lock.parse(document, "uv.lock").pins(AMD64)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uv.lock", "=", "uv.lock: not TOML"),
        ("pylock.toml", "=", "pylock.toml: not TOML"),
        ("uv.lock", "version = 1\npackage = [1]", "not of the form of its name"),
        ("requirements.txt", None, "requirements.txt: it can't be read"),
    ],
)
def test_no_lock(tmp_path: Path, name: str, text: str | None, why: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(LockError, match=why):
        read(tmp_path / name, name)


@given(st.text())
def test_whatever_is_in_it_is_a_lock_or_one_error(text: str) -> None:
    try:
        requirements(text)
    except LockError as error:
        assert str(error).startswith("requirements.txt:")


def test_what_an_index_has_explains() -> None:
    pin = Pin("x", "1", "r:1", (HASH,))
    wheel = Wheel("x-1-cp313-cp313-win32.whl", HASH)
    for files, why in [
        ([wheel], "r:1: x 1 has no wheel for amd64, Python 3.13, glibc 2.41. It has x-1-cp313"),
        ([Wheel("x-1.tar.gz", HASH)], "has no wheel at all, only its source"),
        ([Wheel("x-1-py3-none-any.whl", "1" * 64)], "no file of x on the index has a hash that"),
    ]:
        with pytest.raises(LockError, match=why):
            fetch.explain([pin], AMD64, lambda _name, files=files: files)  # type: ignore[misc]
    # Nothing to say: pip's own error it is.
    fetch.explain([pin], AMD64, lambda _name: [])
    fetch.explain([pin], AMD64, lambda _name: [Wheel("x-1-py3-none-any.whl", HASH)])


@pytest.mark.parametrize(
    ("better", "worse", "target"),
    [
        ("x-1-cp313-cp313-manylinux_2_17_x86_64.whl", "x-1-py3-none-any.whl", AMD64),
        (
            "x-1-cp313-cp313-manylinux_2_28_x86_64.whl",
            "x-1-cp39-abi3-manylinux_2_28_x86_64.whl",
            AMD64,
        ),
        ("x-1-cp39-abi3-manylinux1_x86_64.whl", "x-1-py3-none-manylinux_2_28_x86_64.whl", AMD64),
        ("x-1-2-py3-none-any.whl", "x-1-1-py3-none-any.whl", AMD64),
        ("x-1-1-py3-none-any.whl", "x-1-py3-none-any.whl", AMD64),
        ("x-1-cp314-cp314t-linux_x86_64.whl", "x-1-cp314-none-any.whl", NO_GIL),
    ],
)
def test_the_better_wheel(better: str, worse: str, target: Target) -> None:
    pin = Pin("x", "1", "", (), ())
    for names in ((better, worse), (worse, better)):
        chosen = choose(pin, [Wheel(name, HASH) for name in names], target)
        assert chosen.filename == better


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("x-1-cp313-cp313-manylinux_2_42_x86_64.whl", AMD64),
        ("x-1-cp313-cp313-manylinux_2_28_aarch64.whl", AMD64),
        ("x-1-cp313-cp313-musllinux_1_2_x86_64.whl", AMD64),
        ("x-1-cp313-cp313-manylinux_2_17_x86_64.whl", MUSL),
        ("x-1-cp314-cp314-manylinux_2_17_x86_64.whl", AMD64),
        ("x-1-cp39-abi3-manylinux_2_17_x86_64.whl", NO_GIL),
        ("x-1-cp314-cp314-manylinux_2_17_x86_64.whl", NO_GIL),
        ("x-1-py2-none-any.whl", AMD64),
    ],
)
def test_not_for_the_image(name: str, target: Target) -> None:
    assert rank(name, target) is None


def test_names_of_pip() -> None:
    names = ["manylinux2014_aarch64", "manylinux_2_28_aarch64"]
    assert named_by_pip(names, "3.13") == Target("arm64", "3.13", "glibc 2.28")
    assert named_by_pip(["musllinux_1_2_x86_64"], "3.14t").libc == "musl 1.2"
    for wrong in (["win32"], ["manylinux_2_28_x86_64", "manylinux_2_28_aarch64"], ["any"]):
        with pytest.raises(ValueError, match=wrong[0]):
            named_by_pip(wrong, "3.13")


@pytest.mark.parametrize(
    "words",
    [("amd46", "3.13", "glibc 2.41"), ("amd64", "3", "glibc 2.41"), ("amd64", "3.13", "2.41")],
)
def test_no_target(words: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="no "):
        Target.of(*words)
