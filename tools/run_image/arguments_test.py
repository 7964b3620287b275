"""Tests of arguments.py."""

from pathlib import Path

import pytest

from tools.run_image.arguments import ArgumentError, Request, parse
from tools.sandbox.folder import Shown

RUN = "./bazelw run //images:x.run"


def request(folder: Path, *words: str, own: tuple[str, ...] = ()) -> Request:
    target = ["--layout=x", f"--command={RUN}", *own, f"--folder={folder}", "--"]
    return parse([*target, *words], {"HERE": "from here"})


def test_what_follows_the_options_is_the_command_s(tmp_path: Path) -> None:
    words = ("python3", "-c", "print(1)", "--user", "no", "--")
    assert request(tmp_path, *words).arguments == words
    assert request(tmp_path, "--", *words).arguments == words
    assert request(tmp_path, "--no-network", "--", "--", "-x").arguments == ("--", "-x")
    assert request(tmp_path).arguments == ()


def test_options(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    found = request(
        tmp_path,
        *(
            "--volume",
            "data:/srv/data",
            "-v",
            f"{tmp_path}/data:/d:ro",
            "-e",
            "A=b=c",
            "-e",
            "HERE",
        ),
        *("--user=app:5", "--workdir=/w", "--no-network", "--entrypoint=", "sh"),
    )
    assert found.volumes == (
        Shown((tmp_path / "data").resolve(), "/srv/data", read_only=False),
        Shown((tmp_path / "data").resolve(), "/d", read_only=True),
    )
    assert found.env == {"A": "b=c", "HERE": "from here"}
    assert (found.user, found.workdir, found.network) == ("app:5", "/w", False)
    assert (found.entrypoint, found.arguments) == ("", ("sh",))


def test_defaults_are_the_image_s(tmp_path: Path) -> None:
    found = request(tmp_path)
    assert (found.user, found.workdir, found.entrypoint, found.platform) == (None,) * 4
    assert found.network


def test_a_shell_runs_a_script(tmp_path: Path) -> None:
    found = request(tmp_path, "-c", "echo $0 $1", "a", "b", own=("--shell",))
    assert found.arguments == ("-c", "echo $0 $1", "a", "b")
    assert request(tmp_path, own=("--shell",)).arguments == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--volume", "nowhere:/x"], "there is no .*/nowhere; make it first"),
        (["--volume", "/tmp"], "expected SRC:DST"),
        (["--volume", "/tmp:x"], "DST an absolute path"),
        (["--volume", "/tmp:/"], "other than /"),
        (["--volume", "/tmp:/x:rx"], "'rx' is neither ro nor rw"),
        (["--env", "=x"], "expected NAME=VALUE"),
        (["--env", "NOPE"], "no such variable is set here; say NOPE=VALUE"),
        (["--volum", "x:/y"], f"--volum is no option of `{RUN}`"),
        (["--name=Bazel"], f"one more --: {RUN} -- -- --name=Bazel"),
        (["--volume"], "expected one argument"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, words: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        request(tmp_path, *words)


def test_help_names_the_command_as_people_type_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        request(tmp_path, "--help")
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"usage: {RUN} -- [OPTION]... [COMMAND [ARGUMENT]...]" in shown
    assert "--layout" not in shown
