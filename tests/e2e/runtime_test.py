"""Images run by podman, and built upon by buildah, the way docker-library's users do.

What docker-library asks of every image and of python's in particular (default command, imports,
pip over TLS, stack size, UTC, no passwords) is asked here too, then what Debian's tools say with
all user ids at hand, which the structure tests do not have.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from images.structure import make_wheel
from tests.e2e.apt_sources import apt_sources
from tests.e2e.container_runtime import Runtime, container_runtime, missing
from tools.wheels import layer

LAYOUTS = {Path(path).name: Path(path) for path in os.environ["IMAGES"].split()}
NATIVE = [name for name in LAYOUTS if name.endswith("_amd64")]
FOREIGN = [name for name in LAYOUTS if not name.endswith("_amd64")]

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def runtime() -> Iterator[Runtime]:
    # A store of overlays can't lie on an overlay, nor its sockets below a long path.
    with (
        tempfile.TemporaryDirectory(prefix="runtime-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as made,
    ):
        yield made


@pytest.fixture(scope="module", params=NATIVE)
def image(request: pytest.FixtureRequest, runtime: Runtime) -> str:
    name: str = request.param
    return runtime.load(LAYOUTS[name].resolve(), name.replace("_", "-"))


def python(runtime: Runtime, image: str, code: str, *options: str) -> str:
    return runtime.run(image, "python3", "-c", code, options=options)


def test_a_script_from_a_mounted_folder(runtime: Runtime, image: str, tmp_path: Path) -> None:
    (tmp_path / "your-daemon-or-script.py").write_text(
        "import pathlib, sys\n"
        "pathlib.Path('out').write_text('written')\n"
        "print('hello from', sys.executable, pathlib.Path.cwd())\n"
    )
    out = runtime.run(
        image,
        "python",
        "your-daemon-or-script.py",
        options=("-v", f"{tmp_path}:/usr/src/myapp", "-w", "/usr/src/myapp"),
    )
    assert out == "hello from /usr/local/bin/python /usr/src/myapp\n"
    assert (tmp_path / "out").read_text() == "written"


def test_a_two_line_build(runtime: Runtime, image: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nRUN pip --version > /pip-version\n")
    built = runtime.build(tmp_path, "two-lines")
    assert runtime.run(built, "cat", "/pip-version").startswith("pip ")


def test_an_application_s_build(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """The Dockerfile of docker-library's page, its requirement being a wheel that is at hand."""
    make_wheel.write(tmp_path / "wheels")
    (tmp_path / "requirements.txt").write_text("structure-sample==1.0\n")
    (tmp_path / "app.py").write_text("import structure_sample\nstructure_sample.main()\n")
    (tmp_path / "Dockerfile").write_text(
        f"FROM {image}\n"
        "WORKDIR /usr/src/app\n"
        "COPY requirements.txt ./\n"
        "COPY wheels /wheels\n"
        "RUN pip install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt\n"
        "COPY . .\n"
        'CMD [ "python", "./app.py" ]\n'
    )
    out = runtime.run(runtime.build(tmp_path, "application"))
    assert out.startswith("sample 1.0 in /usr/local/lib/python3.")


def test_the_default_command_is_python(runtime: Runtime, image: str) -> None:
    script = "import sys; print(sys.version_info.major, sys.argv)"
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write(script)
        file.flush()
        command = f"podman run --rm -i {image} < {file.name}"
        assert runtime.call("sh", "-c", command) == "3 ['']\n"


def test_the_command_can_be_replaced(runtime: Runtime, image: str) -> None:
    assert runtime.run(image, "echo", "Hello") == "Hello\n"
    assert runtime.run(image, "Hello", options=("--entrypoint", "echo")) == "Hello\n"


def test_exit_status_and_signals_get_through(runtime: Runtime, image: str) -> None:
    runtime.run(image, "python3", "-c", "raise SystemExit(7)", status=7)
    runtime.run(image, "no-such-program", status=127)


def test_the_time_zone_is_utc(runtime: Runtime, image: str) -> None:
    assert runtime.run(image, "date", "+%Z") == "UTC\n"
    code = "import time; print(time.tzname, time.localtime().tm_gmtoff)"
    assert python(runtime, image, code) == "('UTC', 'UTC') 0\n"


def test_there_are_no_passwords(runtime: Runtime, image: str) -> None:
    shadow = runtime.run(image, "cat", "/etc/shadow").splitlines()
    assert shadow
    assert {line.split(":")[1] for line in shadow} <= {"*", "!", "!*"}


def test_modules_with_system_libraries(runtime: Runtime, image: str) -> None:
    names = "bz2 ctypes curses dbm.gnu dbm.ndbm lzma readline sqlite3 ssl uuid zlib"
    code = f"import importlib\nfor n in '{names}'.split(): importlib.import_module(n)\nprint('ok')"
    assert python(runtime, image, code) == "ok\n"


def test_endless_recursion_in_a_thread_is_an_exception(runtime: Runtime, image: str) -> None:
    code = (
        "import threading\n"
        "def f(i):\n    return f(i + 1)\n"
        "def g():\n"
        "    try:\n        f(1)\n    except RecursionError:\n        print('caught')\n"
        "t = threading.Thread(target=g); t.start(); t.join()\n"
    )
    assert python(runtime, image, code) == "caught\n"


def test_an_ordinary_user(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """No root, no writable root file system: what hardened deployments do."""
    make_wheel.write(tmp_path / "wheels")
    tmp_path.chmod(0o755)
    command = (
        "set -e; id -u; python3 -m venv /tmp/venv; "
        "/tmp/venv/bin/pip install -q --no-index --find-links=/wheels structure-sample; "
        "/tmp/venv/bin/structure-sample; "
        "cat /etc/shadow 2>/dev/null || echo denied"
    )
    options = ("--user=1000:1000", "--read-only", "--cap-drop=all", "--tmpfs=/tmp:exec")
    mount = f"--volume={tmp_path / 'wheels'}:/wheels:ro"
    out = runtime.run(image, "sh", "-c", command, options=(*options, mount, "-e", "HOME=/tmp"))
    lines = out.splitlines()
    assert lines[0] == "1000"
    assert lines[1].startswith("sample 1.0 in /tmp/venv/")
    assert lines[2] == "denied"


def test_debian_s_tools_are_content(runtime: Runtime, image: str) -> None:
    assert runtime.run(image, "dpkg", "--audit") == ""
    runtime.run(image, "apt-get", "check")
    left_out = (
        r"^missing +(/usr/share/(doc|groff|info|linda|lintian|locale|man)|/var/(cache|lib)/apt)/"
    )
    verify = f"dpkg --verify | grep -vE '{left_out}' || true"
    assert runtime.run(image, "sh", "-c", verify) == ""
    assert runtime.run(image, "stat", "-c", "%U:%G %a", "/etc/shadow") == "root:shadow 640\n"


def test_apt_installs_a_package(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """Signatures are checked with the image's own keys; maintainer scripts run."""
    options = (*apt_sources(runtime, image, tmp_path), "--network=host")
    command = (
        "set -e; apt-get update -qq; "
        "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "
        "file libmagic-mgc procps >/dev/null; "
        "file -b /usr/local/bin/python3; file -bL /usr/local/bin/python3; "
        "dpkg --audit; apt-get -qq purge --auto-remove file >/dev/null; "
        "! command -v file; python3 -c 'import ssl'"
    )
    out = runtime.run(image, "sh", "-c", command, options=options)
    assert out.startswith("symbolic link to python3.")
    assert "ELF 64-bit" in out


def pip_settings() -> list[str]:
    """Options that make pip in a container use the machine's index."""
    names = ("PIP_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
    options = [f"--env={name}={os.environ[name]}" for name in names if os.environ.get(name)]
    certificate = os.environ.get("PIP_CERT", "")
    files = [name for name in ("/etc/pip.conf", certificate) if name and Path(name).is_file()]
    options += [f"--volume={name}:{name}:ro" for name in files]
    return options + ([f"--env=PIP_CERT={certificate}"] if certificate else [])


def test_pip_installs_over_the_network(runtime: Runtime, image: str) -> None:
    command = (
        "if pip install -q --root-user-action=ignore --retries=1 idna 2>/tmp/log; "
        "then python3 -c 'import idna; print(idna.decode(\"xn--bcher-kva.example\"))'; "
        "else cat /tmp/log; fi"
    )
    out = runtime.run(image, "sh", "-c", command, options=("--network=host", *pip_settings()))
    if "Failed to establish a new connection" in out or "Name or service not known" in out:
        pytest.skip("pip's index can not be reached from a container")
    assert out == "bücher.example\n"


PACIFIC = "import zoneinfo; print(zoneinfo.ZoneInfo('US/Pacific'))"


def moved(runtime: Runtime, image: str) -> None:
    """Skip the test for a suite that has the legacy time zones with the others."""
    if "VERSION_CODENAME=bookworm\n" in runtime.run(image, "cat", "/etc/os-release"):
        pytest.skip("this suite's tzdata has them")


def test_legacy_time_zones_for_all_programs(runtime: Runtime, image: str, tmp_path: Path) -> None:
    moved(runtime, image)
    (line,) = (
        line.strip().removeprefix("RUN ")
        for line in Path("docs/using.md").read_text().splitlines()
        if line.startswith("    RUN ") and "tzdata" in line
    )
    options = (*apt_sources(runtime, image, tmp_path), "--network=host")
    command = f'({line}) >/dev/null 2>&1; TZ=US/Pacific date -d @0 +%H; python3 -c "{PACIFIC}"'
    shown = runtime.run(image, "sh", "-ec", command, options=options)
    assert shown == "16\nUS/Pacific\n"


def test_legacy_time_zones_by_a_wheel(runtime: Runtime, image: str, tmp_path: Path) -> None:
    """What wheel_layer makes of tzdata's wheel."""
    moved(runtime, image)
    found = python(
        runtime, image,
        "import zoneinfo\ntry: zoneinfo.ZoneInfo('US/Pacific')\n"
        "except zoneinfo.ZoneInfoNotFoundError: print('missing')",
    )  # fmt: skip
    assert found == "missing\n"
    command = "pip download -q --no-deps -d /wheels tzdata >/tmp/log 2>&1 || cat /tmp/log"
    options = ("--network=host", *pip_settings(), f"--volume={tmp_path}:/wheels")
    out = runtime.run(image, "sh", "-c", command, options=options)
    if "Failed to establish a new connection" in out or "Name or service not known" in out:
        pytest.skip("pip's index can not be reached from a container")
    (wheel,) = tmp_path.glob("tzdata-*.whl")
    minor = python(runtime, image, "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    layer.write([wheel], minor, tmp_path / "layer.tar")
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nADD layer.tar /\n")
    built = runtime.build(tmp_path, "legacy-zones")
    assert python(runtime, built, PACIFIC) == "US/Pacific\n"


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_image(runtime: Runtime, name: str) -> None:
    """Run if this machine's kernel knows an emulator for all containers."""
    rules = Path("/proc/sys/fs/binfmt_misc")
    emulators = [p.name for p in rules.glob("qemu-*")] if rules.is_dir() else []
    if platform.machine() == "x86_64" and not any("aarch64" in name for name in emulators):
        pytest.skip("this machine's binfmt_misc has no emulator; the structure tests bring theirs")
    image = runtime.load(LAYOUTS[name].resolve(), name.replace("_", "-"))
    code = "import platform, ssl, sqlite3, ctypes; print(platform.machine())"
    assert python(runtime, image, code) == "aarch64\n"
