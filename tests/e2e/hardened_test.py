"""docs/hardened.md by podman: the Dockerfile in two stages, the command, the table of errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from images.structure import make_extension
from tests.documents.pages import Page
from tests.e2e.container_runtime import Runtime, container_runtime, missing
from tools.wheels import wheel_fixtures as fixtures

PATH = Path("docs/hardened.md")
DOCKERFILE = Page.read(PATH).section("Build an application in two stages").blocks[0].text
(RUN,) = (
    block.text
    for block in Page.read(PATH).section("Run it with the least privileges").blocks
    if block.text.startswith("podman run ")
)
ROW = re.compile(r"\| `(.+?)` \| `(.+?)` \| .+ \|")
_TABLE = PATH.read_text().partition("| you tried |")[2].partition("\n## ")[0]
ROWS = [(found[1], found[2]) for found in map(ROW.fullmatch, _TABLE.splitlines()) if found]

# What the application says of where it runs, the program of your_package.
_APPLICATION = """
import os, structure_extension

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(os.getuid(), os.getgid(), os.getcwd(), structure_extension.answer())
print(*(status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")))
for path in ("/", "/app", os.getcwd(), "/tmp"):
    try:
        with open(os.path.join(path, "file"), "w"):
            print(path, "is writable")
    except OSError as error:
        print(path, error.strerror)
"""

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"SKIPPED: {missing()}")


@pytest.fixture(scope="module", name="runtime")
def _runtime() -> Iterator[Runtime]:
    """A runtime with the images that the page names."""
    with (
        tempfile.TemporaryDirectory(prefix="hardened-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as made,
    ):
        for name in re.findall(r"^FROM localhost/(\S+)", DOCKERFILE, re.MULTILINE):
            layout = "DEV" if name.endswith("-dev") else "IMAGE"
            made.load(Path(os.environ[layout]).resolve(), name)
        yield made


@pytest.fixture(scope="module", name="image")
def _image() -> str:
    found = re.findall(r"^FROM (\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def _requirements(folder: Path) -> str:
    """A lock of what is in `folder`: the application, and a source archive to be compiled."""
    make_extension.write(folder)
    info = "your_package-1.0.dist-info"
    files = {
        "your_package/__init__.py": "",
        "your_package/__main__.py": _APPLICATION,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: your-package\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    wheel = fixtures.wheel(folder / "your_package-1.0-py3-none-any.whl", files)
    archive = folder / f"{make_extension.NAME}.tar.gz"
    pins = [
        f"{name}==1.0 --hash=sha256:{sha256(file.read_bytes()).hexdigest()}\n"
        for name, file in (("your-package", wheel), ("structure-extension", archive))
    ]
    return "".join(["--no-index\n--find-links=/wheels\n", *pins])


def test_the_application_of_the_page(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """Compiled on -dev, it runs without a shell, root, capabilities or a writable root."""
    (tmp_path / "requirements.txt").write_text(_requirements(tmp_path / "wheels"))
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    wheels = f"--volume={tmp_path / 'wheels'}:/wheels:ro"
    built = runtime.build(tmp_path, "application", (wheels,))
    words = shlex.split(RUN.strip())
    assert words[-1] == image
    out = runtime.call(*words[:-1], built).splitlines()
    assert out == [
        "65532 65532 /home/nonroot 42",
        "0000000000000000 0000000000000000 1 2",
        "/ Read-only file system",
        "/app Read-only file system",
        "/home/nonroot Read-only file system",
        "/tmp is writable",
    ]


def test_python_runs_in_the_second_stage(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """Exec form is what the page says works."""
    line = """RUN ["python", "-c", "open('made', 'w').write('6')"]"""
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\n{line}\n")
    built = runtime.build(tmp_path, "second")
    assert runtime.run(built, "python", "-c", "print(open('made').read())") == "6\n"


def _make_infra_image(runtime: Runtime, image: str, folder: Path) -> None:
    """What keeps a pod's namespaces: podman's own takes a program that isn't on every machine."""
    wait = '["python", "-c", "import signal; signal.sigwait([signal.SIGTERM])"]'
    (folder / "Dockerfile").write_text(f"FROM {image}\nENTRYPOINT {wait}\n")
    with (runtime.root / "containers.conf").open("a") as file:
        file.write(f'infra_image = "{runtime.build(folder, "infra")}"\ninfra_command = ""\n')


def test_the_pod_of_the_page(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """By podman, which has its own way of running what is written for Kubernetes."""
    (pod,) = (
        block.text
        for block in Page.read(PATH).section("Run it with the least privileges").blocks
        if block.text.startswith("apiVersion: v1")
    )
    assert f"image: {image}\n" in pod
    program = (
        "import os; open('/tmp/x', 'w'); "
        "print(os.getuid(), os.statvfs('/').f_flag & os.ST_RDONLY, "
        "*[line.split()[1] for line in open('/proc/self/status') "
        "if line.startswith(('CapBnd', 'NoNewPrivs', 'Seccomp:'))])"
    )
    shown = '"import os; print(os.getuid())"'
    assert shown in pod
    _make_infra_image(runtime, image, tmp_path)
    file = tmp_path / "pod.yaml"
    file.write_text(pod.replace(shown, json.dumps(program)))
    runtime.call("podman", "kube", "play", "--network=none", str(file))
    try:
        name = "application-application"
        assert runtime.call("podman", "wait", name) == "0\n"
        assert runtime.call("podman", "logs", name) == "65532 1 0000000000000000 1 2\n"
    finally:
        runtime.call("podman", "kube", "down", str(file))


def _attempt(runtime: Runtime, image: str, tried: str, folder: Path) -> str:
    """What is said if people do what the table's first column has."""
    if tried.startswith(("CMD ", "ENTRYPOINT ", "RUN ")):
        (folder / "Dockerfile").write_text(f"FROM {image}\n{tried}\n")
        done = runtime.attempt(*runtime.build_command(folder, "localhost/tried"))
        if not done.returncode:
            done = runtime.attempt("podman", "run", "--rm", "localhost/tried")
    elif tried.startswith("podman exec "):
        wait = ("python", "-c", "import time; time.sleep(600)")
        container = runtime.call("podman", "run", "--detach", image, *wait).strip()
        done = runtime.attempt(*shlex.split(tried.replace("CONTAINER", container)))
        runtime.call("podman", "rm", "--force", "--time=0", container)
    elif tried.startswith("podman "):
        done = runtime.attempt(*shlex.split(tried.replace("IMAGE", image)))
    else:
        program = f"import os, subprocess\n{tried}"
        done = runtime.attempt("podman", "run", "--rm", image, "python", "-c", program)
    return done.stdout + done.stderr.replace('\\"', '"')


@pytest.mark.parametrize(("tried", "says"), ROWS)
def test_errors_are_those_of_the_table(
    runtime: Runtime, image: str, tmp_path: Path, tried: str, says: str
) -> None:
    assert says in _attempt(runtime, image, tried, tmp_path)


def test_the_table_has_been_read() -> None:
    assert len(ROWS) == _TABLE.count("\n| `") > 10
