"""Examples whose images hold CPython: built and tested; app is run by podman and pushed, too.

They compile CPython once more, unless the user's disk cache has it: a dependency's paths are
others.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.container_runtime import container_runtime, missing
from tools.oci.assembler.layout import Layout
from tools.oci.registry.fake_registry import FakeRegistry
from tools.testing.checkout import Checkout, Result, scratch, scratch_root

# No profile: what CPython was compiled with doesn't matter here.
_QUICK = "--@python_images//python_images:optimization=none"


@pytest.fixture(scope="module")
def examples() -> Iterator[Checkout]:
    with scratch("examples-images") as copy:
        yield copy


def example(examples: Checkout, name: str) -> Checkout:
    """An example by its own bazelw, a link, as if python_images were fetched from elsewhere."""
    inside = dataclasses.replace(examples, path=examples.path / "examples" / name)
    # A bazelrc, and not on the command line: `bazel run` programs call Bazel, too.
    # The user's cache: only the first run compiles CPython.
    cache = f"common --disk_cache={scratch_root().parent / 'disk'}"
    (inside.path / ".bazelrc.user").write_text(f"build {_QUICK}\n{cache}\n")
    return inside


@pytest.fixture(scope="module")
def app(examples: Checkout) -> Checkout:
    return example(examples, "app")


def bazel_of(app: Checkout) -> str:
    """What programs of `bazel run` call for layers that only a cache has."""
    return f"--bazel={app.path}/bazelw --output_base={app.output_base}"


def succeeds(result: Result) -> str:
    assert result.status == 0, result.errors
    return result.output


def test_its_tests_pass(app: Checkout) -> None:
    shown = succeeds(app.bazel("test", "//:image_amd64_test", "--test_output=all"))
    assert "SKIPPED" not in shown
    assert "passed  Command Test: it greets" in shown


def test_the_application_is_two_layers_upon_the_base(app: Checkout) -> None:
    base = "@python_images//images:3.14-slim_amd64"
    succeeds(app.bazel("build", "//:image_amd64", base))
    layers = [
        [blob["digest"] for blob in Layout(path).image()[1]["layers"]]
        for label in ("//:image_amd64", base)
        for path in app.output(label)
    ]
    assert len(layers[0]) == len(layers[1]) + 2
    assert layers[0][: len(layers[1])] == layers[1]
    config = Layout(app.output("//:image_amd64")[0])
    _, manifest = config.image()
    assert config.document(manifest["config"])["config"]["User"] == "10001:10001"


def test_podman_runs_it(app: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := missing():
        pytest.skip(f"SKIPPED: {reason}")
    with (
        # A store of overlays can't lie on an overlay, nor its sockets below a long path.
        tempfile.TemporaryDirectory(prefix="examples-", dir="/var/tmp") as root,
        container_runtime(Path(root)) as runtime,
    ):
        monkeypatch.setenv("CONTAINERS_CONF", f"{root}/containers.conf")
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", f"{root}/storage.conf")
        succeeds(app.bazel("run", "//:load", "--", "--engine=podman", bazel_of(app)))
        hello = runtime.run("localhost/greet:1.0.0")
        assert hello == "Hello, world! I am user 10001.\n"
        # Nobody's, and not even by a bug does it change itself.
        code = "open('/usr/local/bin/greet', 'a')"
        options = ("--entrypoint=python3", "--read-only")
        runtime.run("localhost/greet:1.0.0", "-c", code, options=options, status=1)
        (facts,) = json.loads(runtime.call("podman", "image", "inspect", "localhost/greet:1.0.0"))
        assert facts["User"] == "10001:10001"


def test_a_new_version_is_a_small_push(app: Checkout) -> None:
    words = ("run", "//:push_amd64", "--", "--tag=1", bazel_of(app))
    build = app.path / "BUILD.bazel"
    build.write_text(build.read_text() + 'oci_push(name = "push_amd64", image = ":image_amd64")\n')
    with FakeRegistry() as registry:
        to = f"--repository={registry.host}/team/greet"
        succeeds(app.bazel(*words, to))
        before = registry.received
        assert before > 10_000_000
        with app.changed("greet/__init__.py", "Hello", "Good day"):
            succeeds(app.bazel(*words, to))
        # The application's layer and the configuration.
        assert 0 < registry.received - before < 10_000


def test_a_web_application_answers(examples: Checkout) -> None:
    test = "//:hello_amd64.test"
    shown = succeeds(example(examples, "fastapi").bazel("test", test, "--test_output=all"))
    assert "passed  Command Test: the server answers a request" in shown


def test_programs_run_on_the_images_python(examples: Checkout) -> None:
    interpreter = example(examples, "interpreter")
    succeeds(interpreter.bazel("test", "//:app_test"))
    shown = succeeds(interpreter.bazel("run", "//:python", "--", "-c", "print('from the image')"))
    assert "from the image" in shown.splitlines()


def test_images_of_ones_own_base_and_variant(examples: Checkout) -> None:
    """The variant passes the tests that every image of //images has to, and has its packages."""
    own = example(examples, "own-base")
    variant = "@python_images//images:3.14-tools_amd64"
    tests = ("//:python_amd64.test", f"{variant}.test")
    shown = succeeds(own.bazel("test", *tests, "--test_output=all"))
    assert "passed  Command Test: there is no pip" in shown
    ran = own.bazel("run", f"{variant}.run", "--", "sh", "-c", "jq -n 6*7; dpkg -s jq; pip -V")
    lines = succeeds(ran).splitlines()
    assert "42" in lines
    assert "Status: install ok installed" in lines
    assert [line for line in lines if line.startswith("pip ")]
    succeeds(own.bazel("build", f"{variant}.sbom", f"{variant}.cves", "//:dockerfile"))
    bill = next(file for file in own.output(f"{variant}.sbom") if file.name.endswith(".cdx.json"))
    components = json.loads(bill.read_text())["components"]
    assert {"jq", "cpython", "libc6"} <= {component["name"] for component in components}
    (dockerfile,) = own.output("//:dockerfile")
    assert "        jq \\\n" in dockerfile.read_text()


def test_an_image_of_ones_own_family(examples: Checkout) -> None:
    test = "//:3.14-trixie_amd64.test"
    succeeds(example(examples, "own-family").bazel("test", test))
