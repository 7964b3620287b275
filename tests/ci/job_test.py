"""What .ci/job has Bazel do, with a ./bazelw that notes how it was called."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

_BAZELW = """\
#!/bin/sh
echo "$*" >>calls
[ "$2" != query ] || cat tags
printf '%s\\n' "$@" >words
cp "${1#--bazelrc=}" bazelrc
echo "${STRUCTURE_TEST_NO_SKIPS-unset}" >no-skips
[ -z "${COSIGN_PASSWORD:-}" ] || echo "$COSIGN_PASSWORD" >password
[ -z "${REGISTRY_AUTH_FILE:-}" ] || cp "$REGISTRY_AUTH_FILE" auth
stat -c %a "${1#--bazelrc=}" >mode
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(".ci", tmp_path / ".ci")
    (tmp_path / "bazelw").write_text(_BAZELW)
    (tmp_path / "bazelw").chmod(0o755)
    return tmp_path


def run(checkout: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / ".ci/run", *words],
        cwd="/",
        env={"PATH": "/usr/bin:/bin"} | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def words(checkout: Path) -> list[str]:
    return (checkout / "words").read_text().splitlines()[1:]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (["platform", "arm64"], ["test", "--config=ci", "//tests:matrix_arm64"]),
        (["platform", "amd64"], ["//tests:matrix_amd64", "//tests/e2e:slow_tests"]),
        (
            ["matrix", "gitlab"],
            ["//tools:matrix", "--", "--by", "platform", "--provider", "gitlab"],
        ),
        (
            ["archive", "v1.2.3", "release"],
            ["//tools/release:archive", "--", "--tag", "v1.2.3", "--out", "release"],
        ),
    ],
)
def test_jobs(checkout: Path, job: list[str], expected: list[str]) -> None:
    done = run(checkout, *job)
    assert done.returncode == 0, done.stderr
    assert words(checkout)[-len(expected) :] == expected
    assert (checkout / "bazelrc").read_text() == ""


def test_without_each_program(checkout: Path) -> None:
    # Nothing is to be installed.
    (checkout / "bin").mkdir()
    (checkout / "bin/id").write_text("#!/bin/sh\necho 1000\n")
    (checkout / "bin/id").chmod(0o755)
    settings = {"PATH": f"{checkout}/bin:/usr/bin:/bin"}
    # Without an answer there is nothing to be done, which is wrong.
    assert run(checkout, "without", **settings).returncode != 0
    (checkout / "tags").write_text(
        'py_test(name = "a", tags = ["external", "program:umoci", "program:apt-get"])\n'
        'py_test(name = "b", tags = ["program:umoci"])\n'
    )
    done = run(checkout, "without", **settings)
    assert done.returncode == 0, done.stderr
    tests = [line.split() for line in (checkout / "calls").read_text().splitlines()]
    for program, words in zip(("apt-get", "umoci"), tests[-2:], strict=True):
        assert f"--test_tag_filters=program:{program}" in words
        assert f"--test_env=WITHOUT_PROGRAMS={program}" in words
        assert words[-1] == "//..."
    assert "query" in tests[-3]


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, "1\n"), ({"STRUCTURE_TEST_NO_SKIPS": "0"}, "0\n")]
)
def test_structure_tests_may_not_skip(
    checkout: Path, settings: dict[str, str], expected: str
) -> None:
    assert run(checkout, "platform", "arm64", **settings).returncode == 0
    assert (checkout / "no-skips").read_text() == expected


@pytest.mark.parametrize(("family", "package"), [("", "//images"), ("infra7", "//images/infra7")])
def test_publish_and_sign_a_family(checkout: Path, family: str, package: str) -> None:
    settings = {"REGISTRY": "registry.example/team/python", "FAMILY": family}
    assert run(checkout, "publish", **settings).returncode == 0
    assert f"{package}:publish" in words(checkout)
    assert run(checkout, "publish", SIGNING_KEY="key", **settings).returncode == 0
    assert f"{package}:sign" in words(checkout)


def test_an_archive_for_a_registry(checkout: Path) -> None:
    done = run(checkout, "archive", "v1.2.3", "release", BCR_FORK="example/registry")
    assert done.returncode == 0, done.stderr
    assert words(checkout)[-3:] == ["--out", "release", "--registry"]


def program(folder: Path, name: str, text: str) -> str:
    """Write a program; return the PATH that has it."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_another_bazel_by_bazelisk(checkout: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    path = program(tmp_path / "bin", "bazelisk", f'echo "$USE_BAZEL_VERSION $*" >>{notes}')
    done = run(checkout, "bazelisk", "8.x", PATH=path)
    assert done.returncode == 0, done.stderr
    commands = [line.split() for line in notes.read_text().splitlines()]
    assert [line[0] for line in commands] == ["8.x"] * 3
    assert [line[2:4] for line in commands] == [
        ["build", "--nobuild"],
        ["test", "//tools/..."],
        ["build", "//images/debian:bookworm-slim_amd64"],
    ]
    # Not the provisioned one.
    assert not (checkout / "words").exists()


def test_another_bazels_failure_is_the_jobs(checkout: Path, tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "bazelisk", "exit 3")
    assert run(checkout, "bazelisk", "8.x", PATH=path).returncode == 3


@pytest.mark.parametrize(
    ("curl", "said"),
    [
        ('while [ "$1" != --output ]; do shift; done; echo other >"$2"', "did NOT match"),
        ("echo no network >&2; exit 6", "no network"),
    ],
)
def test_a_bazelisk_that_is_another_does_not_run(
    checkout: Path, tmp_path: Path, curl: str, said: str
) -> None:
    program(tmp_path / "bin", "tar", f"touch {tmp_path}/unpacked")
    path = program(tmp_path / "bin", "curl", curl)
    done = run(checkout, "bazelisk", "8.x", PATH=path)
    assert done.returncode != 0
    assert said in done.stderr
    assert not (tmp_path / "unpacked").exists()


def test_publish(checkout: Path) -> None:
    settings = {"REGISTRY": "registry.example/team/python", "ONLY": "3.13-*"}
    settings |= {"REGISTRY_USER": "ada", "REGISTRY_PASSWORD": "a:b'c" * 30}
    done = run(checkout, "publish", **settings)
    assert done.returncode == 0, done.stderr
    assert words(checkout)[-4:] == ["--repository", settings["REGISTRY"], "--only", "3.13-*"]
    # Nobody is there to be asked. Bazel is called again for the images: with the same settings.
    (yes, option, command, flag) = words(checkout)[-8:-4]
    assert [yes, option, flag] == ["--yes", "--bazel", "--build-flag=--config=ci"]
    assert command.startswith("./bazelw --bazelrc=/")
    auth = json.loads((checkout / "auth").read_text())["auths"]["registry.example"]["auth"]
    assert base64.b64decode(auth).decode() == "ada:" + settings["REGISTRY_PASSWORD"]
    assert settings["REGISTRY_PASSWORD"] not in (checkout / "words").read_text() + done.stderr


def test_signing(checkout: Path) -> None:
    settings = {"REGISTRY": "registry.example/team/python", "ONLY": "3.13-*"}
    settings |= {"SIGNING_KEY": "-----BEGIN", "SIGNING_PASSWORD": "secret"}
    done = run(checkout, "publish", **settings)
    assert done.returncode == 0, done.stderr
    assert words(checkout)[-12:-8] == ["//images:sign", "--", "--yes", "--bazel"]
    assert words(checkout)[-7:] == [
        *("--build-flag=--config=ci", "--repository", settings["REGISTRY"]),
        *("--only", "3.13-*", "--key", "env://SIGNING_KEY"),
    ]
    assert (checkout / "password").read_text() == "secret\n"
    assert "BEGIN" not in (checkout / "words").read_text() + done.stderr


def test_the_remote_cache(checkout: Path) -> None:
    settings = {"REMOTE_CACHE": "grpcs://cache.example", "REMOTE_CACHE_HEADER": "x-key=secret"}
    run(checkout, "platform", "arm64", **settings)
    assert (checkout / "bazelrc").read_text().splitlines() == [
        "common --remote_cache=grpcs://cache.example",
        "common --remote_header=x-key=secret",
        "common --remote_upload_local_results=false",
    ]
    assert (checkout / "mode").read_text() == "600\n"
    assert "secret" not in (checkout / "words").read_text()
    run(checkout, "platform", "arm64", **settings, REMOTE_CACHE_WRITE="true")
    assert "upload_local_results=true" in (checkout / "bazelrc").read_text()


@pytest.fixture
def consumer(checkout: Path) -> Path:
    """The workspace that uses the module, in which the job calls Bazel."""
    folder = checkout / ".ci/consumer"
    folder.mkdir(exist_ok=True)
    (folder / "bazelw").unlink(missing_ok=True)
    (folder / "bazelw").symlink_to("../../bazelw")
    return folder


_FILL = {"REMOTE_CACHE": "grpcs://cache.example", "REMOTE_CACHE_WRITE": "true"}
_IMAGES = "@python_images//images:"


def test_the_cache_of_consumers_is_filled(checkout: Path, consumer: Path) -> None:
    done = run(checkout, "consumers", "arm64", TAGS="3.14-slim 3.13", **_FILL)
    assert done.returncode == 0, done.stderr
    assert words(consumer)[:2] == ["build", "--config=ci"]
    # What a disk cache has isn't sent.
    assert "--disk_cache=" in words(consumer)
    assert words(consumer)[-3:] == ["--", f"{_IMAGES}3.14-slim_arm64", f"{_IMAGES}3.13_arm64"]
    assert "common --remote_upload_local_results=true" in (consumer / "bazelrc").read_text()


def test_the_cache_of_consumers_has_all_published_images(checkout: Path, consumer: Path) -> None:
    (consumer / "tags").write_text(f"{_IMAGES}3.14.1-slim_arm64\n{_IMAGES}3.14.1_arm64\n")
    done = run(checkout, "consumers", "arm64", **_FILL)
    assert done.returncode == 0, done.stderr
    (query, _) = (consumer / "calls").read_text().splitlines()
    assert f"{_IMAGES}matrix" in query and ":.*_arm64$" in query
    assert words(consumer)[-3:] == ["--", f"{_IMAGES}3.14.1-slim_arm64", f"{_IMAGES}3.14.1_arm64"]
    (consumer / "tags").write_text("")
    done = run(checkout, "consumers", "sparc", **_FILL)
    assert (done.returncode, done.stderr) == (1, ".ci/run: no published image is for sparc\n")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "REMOTE_CACHE is not set"),
        ({"REMOTE_CACHE": "grpcs://cache.example"}, "REMOTE_CACHE_WRITE is not true"),
    ],
)
def test_a_cache_that_cannot_be_filled_is_an_error(
    checkout: Path, consumer: Path, settings: dict[str, str], said: str
) -> None:
    done = run(checkout, "consumers", "arm64", **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (consumer / "calls").exists()


@pytest.mark.parametrize(
    ("named", "expected"), [("", ["--all"]), ("a_b_c d_e_f", ["a_b_c", "d_e_f"])]
)
def test_compiled_pythons_are_pushed(
    checkout: Path, consumer: Path, named: str, expected: list[str]
) -> None:
    settings = {"CPYTHON_REGISTRY": "registry.example/team/cpython", "CPYTHONS": named}
    settings |= {"REGISTRY_USER": "ada", "REGISTRY_PASSWORD": "s3cret"}
    file = checkout / "made/prebuilt.json"
    done = run(checkout, "prebuilt", str(file), **settings)
    assert done.returncode == 0, done.stderr
    assert words(consumer)[:4] == ["run", "--config=ci", "@python_images//tools:prebuilt", "--"]
    assert words(consumer)[-len(expected) - 2 :] == ["--output", str(file), *expected]
    auth = json.loads((consumer / "auth").read_text())["auths"]["registry.example"]["auth"]
    assert base64.b64decode(auth).decode() == "ada:s3cret"
    assert "s3cret" not in (consumer / "calls").read_text() + done.stderr


def test_compiled_pythons_need_a_registry(checkout: Path, consumer: Path) -> None:
    done = run(checkout, "prebuilt", "prebuilt.json")
    assert done.returncode == 2
    assert "CPYTHON_REGISTRY is not set" in done.stderr
    assert not (consumer / "calls").exists()


def git(checkout: Path, *words: str) -> str:
    """What git prints in the checkout."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    return subprocess.run(
        ["git", *identity, *words], cwd=checkout, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.skipif(not shutil.which("git"), reason="SKIPPED: needs git")
def test_commit(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    git(checkout, "init", "--quiet", "--initial-branch=main")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=Begin")
    # Markdown's headings begin as git's own comments do.
    summary = tmp_path_factory.mktemp("summary") / "summary.md"
    summary.write_text("# Packages\n\n- openssl 3.5.7 (CVE-2026-1)\n")

    done = run(checkout, "commit", "update/weekly", str(summary))
    assert (done.returncode, done.stdout) == (
        0,
        "Nothing to commit.\n# Packages\n\n- openssl 3.5.7 (CVE-2026-1)\n",
    ), done.stderr
    assert git(checkout, "branch", "--list", "update/weekly") == ""

    (checkout / "new.lock").write_text("new\n")
    done = run(checkout, "commit", "update/weekly", str(summary))
    assert done.returncode == 0, done.stderr
    assert git(checkout, "log", "-1", "--format=%B", "update/weekly").rstrip() == (
        "Bring locks and catalog up to date\n\n# Packages\n\n- openssl 3.5.7 (CVE-2026-1)"
    )
    assert git(checkout, "show", "update/weekly:new.lock") == "new\n"
    assert git(checkout, "status", "--porcelain") == ""


def script_of(system: str) -> list[tuple[str, str]]:
    """The shell lines of the weekly update after the checkout, each with its condition."""
    if system == "gitlab":
        lines = yaml.safe_load(Path(".gitlab-ci.yml").read_text())["update"]["script"]
        return [("", "\n".join(line for line in lines if not line.startswith("apt-get")))]
    steps = yaml.safe_load(Path(".github/workflows/update.yml").read_text())["jobs"]["update"]
    return [
        (step.get("if", ""), step["run"]) for step in steps["steps"] if step.get("shell") == "bash"
    ]


@pytest.mark.skipif(not shutil.which("git"), reason="SKIPPED: needs git")
@pytest.mark.parametrize("system", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("status", "writes", "fails", "pushes"),
    [
        (0, False, False, False),
        (1, True, False, True),
        (1, False, False, False),  # news alone
        (2, True, True, True),
        (2, False, True, False),
        (37, False, True, False),  # of Bazel itself
    ],
)
def test_the_weekly_job(
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
    system: str,
    status: int,
    writes: bool,
    fails: bool,
    pushes: bool,
) -> None:
    """The workflow's own lines, with a git server and a gh that takes notes."""
    folder = tmp_path_factory.mktemp("machine")
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    (checkout / "bazelw").write_text(
        "#!/bin/sh\n"
        'echo "$*" >>"$NOTES/bazel"\n'
        'if [ "$2" = run ]; then echo "# Text"\n'
        f"{'echo new >new.lock' if writes else ':'}\nexit {status}; fi\n"
    )
    for shell in ("gh", "apt-get"):
        program(folder / "bin", shell, f'echo "$*" >>"$NOTES/{shell}"')
    git(checkout, "init", "--quiet", "--initial-branch=main")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message=Begin")
    git(checkout, "remote", "add", "origin", str(remote))
    config = folder / "gitconfig"
    config.write_text(
        f'[url "{remote}"]\ninsteadOf = https://update:secret@git.example/team/images.git\n'
        "[push]\npushOption =\n"
    )
    subprocess.run(
        ["git", "-C", remote, "config", "receive.advertisePushOptions", "true"], check=True
    )
    output, text = folder / "output", folder / "summary.md"
    output.touch()
    settings = {
        "PATH": f"{folder}/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": str(config),
        "NOTES": str(folder),
        "BRANCH": "update/weekly",
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(folder / "shown.md"),
        "UPDATE_TOKEN": "secret",
        "CI_SERVER_HOST": "git.example",
        "CI_PROJECT_PATH": "team/images",
        "CI_DEFAULT_BRANCH": "main",
    }
    failed = 0
    for condition, lines in script_of(system):
        outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        said = outputs.get("status", "")
        if (condition and not said) or ("!= '1'" in condition and said == "1"):
            continue
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", lines.replace("/tmp/summary.md", str(text))],
            cwd=checkout,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        failed = failed or done.returncode
        if done.returncode:
            break
    assert bool(failed) == fails, done.stderr
    assert text.read_text() == "# Text\n"
    calls = (folder / "bazel").read_text().splitlines()
    assert [line.split()[1] for line in calls] == ["build", "run"]
    assert "//tools:update -- --bazel ./bazelw --bazelrc=" in calls[1]
    branches = git(remote, "branch", "--list", "update/weekly").strip()
    assert bool(branches) == pushes
    if pushes:
        assert git(remote, "show", "update/weekly:new.lock") == "new\n"
        assert "# Text" in git(remote, "log", "-1", "--format=%B", "update/weekly")
        if system == "github":
            assert "pr create --head update/weekly" in (folder / "gh").read_text()


def test_an_update_that_does_not_build_is_no_news(checkout: Path) -> None:
    (checkout / "bazelw").write_text("#!/bin/sh\necho noise\nexit 1\n")
    done = run(checkout, "update")
    assert (done.returncode, done.stdout) == (2, "")


def read_as_bazel(bazelrc: str) -> list[str]:
    """The words of a bazelrc of one line, as Bazel's tokeniser has them (util/strings.cc)."""
    found, word, quote, escaped = [], None, "", False
    for character in bazelrc.rstrip("\n"):
        if escaped:
            word, escaped = (word or "") + character, False
        elif character == "\\":
            escaped = True
        elif quote or character in "'\"":
            quote = "" if quote == character else quote or character
            word = word or ""
        elif character == "#":
            break
        elif character in " \t":
            found += [] if word is None else [word]
            word = None
        else:
            word = (word or "") + character
    return found + ([] if word is None else [word])


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer s3cret",
        "a'b",
        'a"b',
        "a*?[b]",
        "a#b",
        "a\\b",
        "$HOME `id`",
        "a\tb",
        "caf\u00e9 !",
        "~",
    ],
)
def test_a_header_is_one_word_whatever_is_in_it(checkout: Path, secret: str) -> None:
    header = f"authorization={secret}"
    done = run(checkout, "platform", "arm64", REMOTE_CACHE="grpcs://x", REMOTE_CACHE_HEADER=header)
    assert done.returncode == 0, done.stderr
    line = (checkout / "bazelrc").read_text().splitlines()[1]
    assert read_as_bazel(line) == ["common", f"--remote_header={header}"]
    assert secret not in (checkout / "words").read_text() + done.stderr + done.stdout


def test_a_header_of_two_lines_is_refused_unseen(checkout: Path) -> None:
    header = "authorization=s3cret\nbuild --bad"
    done = run(checkout, "platform", "arm64", REMOTE_CACHE="grpcs://x", REMOTE_CACHE_HEADER=header)
    assert done.returncode == 2
    assert "the value of --remote_header has a line break" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout
    assert not (checkout / "words").exists()


@pytest.mark.parametrize(
    ("job", "settings", "said"),
    [
        (["publish"], {}, "REGISTRY is not set: the repository to push to, HOST/PATH"),
        (
            ["publish"],
            {"REGISTRY": "registry.example/a", "REGISTRY_USER": "ada"},
            "REGISTRY_PASSWORD is not set: the password of ada",
        ),
        (["deploy"], {}, "publish                push every image"),
        (["platform"], {}, "platform NAME          test every image"),
        (["without", "skopeo"], {}, "without                run tests that use programs"),
        (["publish", "all"], {}, "publish                push every image"),
        (["archive", "v1.2.3"], {}, "archive TAG FOLDER     write the module's archive"),
        (["bazelisk"], {}, "bazelisk VERSION       analyse everything"),
    ],
)
def test_wrong_calls(checkout: Path, job: list[str], settings: dict[str, str], said: str) -> None:
    done = run(checkout, *job, **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (checkout / "words").exists()
