"""CPythons by digest: pushed from here, taken by another workspace, which then compiles nothing.

Debian's docker-registry on the loopback, with a user and password. The CPython is compiled once
more unless the user's disk cache has it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import execution_log
from tests.e2e.roles import MINOR, RELEASE, SUITE
from tools.oci.registry.push_fixtures import login
from tools.oci.registry.real_registry import RealRegistry
from tools.prebuilt import recipe
from tools.testing.checkout import Checkout, Result, scratch, scratch_root

NAME = f"{RELEASE}_{SUITE}_amd64"
DIGEST = f"//images:{MINOR}-slim-{SUITE}_amd64.digest"

MODULE = """\
module(name = "consumer")
bazel_dep(name = "python_images", version = "", repo_name = "pythons")
local_path_override(module_name = "python_images", path = "..")

prebuilt = use_extension("@pythons//python_images:extensions.bzl", "prebuilt")
prebuilt.cpythons(file = "//:prebuilt.json")
"""

# What compiles, and what that needs.
COMPILES = {"BuildLauncher", "BuildPython", "CompileCPython", "PackageTree", "StripCPython"}


@dataclasses.dataclass(frozen=True)
class World:
    """This repository, a workspace that uses it, and the registry between them."""

    main: Checkout
    consumer: Checkout
    registry: RealRegistry
    environment: dict[str, str]

    @property
    def listed(self) -> Path:
        """The file that the consumer checks in."""
        return self.consumer.path / "prebuilt.json"

    def push(self, *more: str) -> Result:
        """Push the CPython by its label."""
        bazel = f"{self.main.path}/bazelw --output_base={self.main.output_base}"
        repository = f"{self.registry.host}/team/cpython"
        return self.main.bazel(
            "run",
            "//tools:prebuilt",
            "--",
            *("--repository", repository, "--output", str(self.listed), "--bazel", bazel),
            *(more or (f"{MINOR}_{SUITE}_amd64",)),
            environment=self.environment,
        )

    def build(self, *flags: str) -> Result:
        """Build the image's digest in the consumer."""
        return self.consumer.bazel(
            "build", *flags, f"@pythons{DIGEST}", environment=self.environment
        )


@contextlib.contextmanager
def registry_beside(main: Checkout) -> Iterator[RealRegistry]:
    """A registry beside a scratch copy: other runs of pytest remove pytest's own folders."""
    folder = main.output_base.with_name("registry")
    folder.mkdir()
    running = RealRegistry(folder, auth=True)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    if not shutil.which("docker-registry"):
        pytest.skip("SKIPPED: docker-registry is not installed here")
    with scratch("prebuilt") as main, registry_beside(main) as registry:
        cache = f"common --disk_cache={scratch_root().parent / 'disk'}\n"
        (main.path / ".bazelrc.user").write_text(cache)
        path = main.path / "as_consumer"
        path.mkdir()
        (path / "MODULE.bazel").write_text(MODULE)
        (path / "BUILD.bazel").touch()
        (path / "bazelw").symlink_to(main.path / "bazelw")
        for name in (".bazelrc", ".bazelversion"):
            (path / name).write_bytes((main.path / "examples/app" / name).read_bytes())
        (path / ".bazelrc.user").write_text(cache)
        base = main.output_base.with_name("consumer_base")
        consumer = dataclasses.replace(main, path=path, output_base=base)
        yield World(main, consumer, registry, login(registry.folder, registry.host))
        consumer.bazel("shutdown")


@pytest.fixture(scope="module")
def pushed(world: World) -> World:
    result = world.push()
    assert result.status == 0, result.errors
    assert "sent 2 blobs" in result.output
    return world


def fails(result: Result) -> str:
    """Return what a build that has to fail says."""
    assert result.status != 0
    return result.errors


def test_the_recipe_has_all_that_compiles(world: World) -> None:
    result = world.main.bazel(
        "query",
        f'kind("source file", deps(//python_images/cpython:{NAME}.stripped))',
    )
    assert result.status == 0, result.errors
    files = {
        line.removeprefix("//").replace(":", "/")
        for line in result.output.splitlines()
        if re.match(r"//[^ ]+$", line)
    }
    assert "tools/cpython/compile.py" in files
    known = {path.as_posix() for path in recipe.files(world.main.path)}
    assert files - known == set()


def test_what_is_there_is_not_sent_again(pushed: World) -> None:
    before = pushed.listed.read_text()
    result = pushed.push()
    assert result.status == 0, result.errors
    assert "sent 0 blobs (0.0 MB), 0 manifests and 0 tags" in result.output
    assert pushed.listed.read_text() == before


def test_nothing_is_compiled_and_the_digest_is_the_same(pushed: World) -> None:
    log = pushed.consumer.output_base.with_name("log.json")
    result = pushed.build(f"--execution_log_json_file={log}")
    assert result.status == 0, result.errors
    mnemonics = {spawn.mnemonic for spawn in execution_log.read(log)}
    assert "LayerBlob" in mnemonics
    assert mnemonics & COMPILES == set()
    # Nor are compilers fetched.
    external = pushed.consumer.output_base / "external"
    assert [path.name for path in external.glob("*debian_build_*_cc_*")] == []
    assert [path.name for path in external.glob("*cpython_source_*")] == []
    own = pushed.main.bazel("build", DIGEST)
    assert own.status == 0, own.errors
    digests = [
        checkout.output(label, pushed.environment)[0].read_text()
        for checkout, label in ((pushed.main, DIGEST), (pushed.consumer, f"@pythons{DIGEST}"))
    ]
    assert digests[0] == digests[1]


def test_provenance_says_where_it_is_from(pushed: World) -> None:
    label = f"@pythons//images:{MINOR}-slim-{SUITE}_amd64.provenance"
    built = pushed.consumer.bazel("build", label, environment=pushed.environment)
    assert built.status == 0, built.errors
    (file,) = pushed.consumer.output(label, pushed.environment)
    statement = json.loads(file.read_text())
    definition = statement["predicate"]["buildDefinition"]
    blob = json.loads(pushed.listed.read_text())["cpythons"][NAME]["blob"]
    reference = f"{pushed.registry.host}/team/cpython@{blob}"
    assert definition["internalParameters"]["prebuilt"] == reference
    assert "compiler" not in json.dumps(definition["resolvedDependencies"])


def test_another_recipe_is_an_error(pushed: World) -> None:
    with pushed.consumer.changed("../tools/cpython/strip.py", '"""', '"""Otherwise. '):
        shown = fails(pushed.build("--nobuild"))
    assert "//:prebuilt.json has this CPython as compiled by another recipe" in shown
    assert f"remove the entry {NAME} from it" in shown
    assert pushed.build("--nobuild").status == 0


def test_another_source_is_an_error(pushed: World) -> None:
    listed = json.loads(pushed.listed.read_text())
    sha256 = listed["cpythons"][NAME]["facts"]["sha256"]
    with pushed.consumer.changed("prebuilt.json", sha256, "0" * 64):
        shown = fails(pushed.build("--nobuild"))
    assert "of another source than the catalog has, or with other patches" in shown


def test_a_file_that_is_wrong_is_an_error(pushed: World) -> None:
    with pushed.consumer.changed("prebuilt.json", '"recipe"', '"receipt"'):
        shown = fails(pushed.build("--nobuild"))
    assert "//:prebuilt.json: has to have repository, recipe and cpythons" in shown


def test_other_bytes_are_an_error(pushed: World) -> None:
    listed = json.loads(pushed.listed.read_text())
    digest = listed["cpythons"][NAME]["blob"].removeprefix("sha256:")
    blobs = pushed.registry.folder / "data/docker/registry/v2/blobs/sha256"
    blob = blobs / digest[:2] / digest / "data"
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        # By another name of the same host it is fetched again.
        host = pushed.registry.host
        other = host.replace("127.0.0.1", "localhost")
        pushed.environment.update(login(pushed.registry.folder, other))
        with pushed.consumer.changed("prebuilt.json", host, other):
            shown = fails(pushed.build())
        assert f"the prebuilt CPython {NAME} of //:prebuilt.json isn't available" in shown
        assert f"for the blob sha256:{digest} of {len(whole)} bytes" in shown
        assert "Remove its entry from //:prebuilt.json, and it is compiled here." in shown
    finally:
        blob.write_bytes(whole)
