"""--config=bazel-next is what flags.yaml says, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bazel import flags

BAZELRC = Path(".bazelrc").read_text()
_HELP = """\
  --[no]incompatible_disallow_empty_glob (a boolean; default: "false")
    If set to true, the default value of the `allow_empty` argument is False.
  --[no]incompatible_something_new (a boolean; default: "false")
  --[no]incompatible_done (a boolean; default: "true")
  --incompatible_autoload_externally (comma-separated set of options; default: "")
  --jobs [-j] (an integer; default: "auto")
"""


def test_the_configuration_is_the_facts() -> None:
    wanted = [entry["flag"] for entry in flags.facts()["set"]]
    # Which symbols Bazel 7 can do without is .bazelrc's.
    symbols = "--incompatible_autoload_externally"
    found = [
        symbols if flag.startswith(symbols + "=-") else flag for flag in flags.configured(BAZELRC)
    ]
    assert found == wanted


def test_every_flag_has_its_reason() -> None:
    lines = BAZELRC.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"common:{flags.CONFIG} "):
            assert lines[number - 1].startswith("#"), line


def test_the_facts_are_whole() -> None:
    for entry in flags.facts()["set"]:
        assert set(entry) == {"flag", "line", "source"}, entry
        assert entry["line"] in (8, 9, 10, "later", "none"), entry
        assert entry["source"].startswith("https://") or entry["source"] == "bazel help build"
    for entry in flags.facts()["left_out"]:
        assert set(entry) == {"flag", "why"}, entry
    names = [flags.name(entry["flag"]) for entries in flags.facts().values() for entry in entries]
    assert len(names) == len(set(names))


# What the central registry tries a module with: its incompatible_flags.yml of 2026-08-22.
@pytest.mark.parametrize(
    "flag",
    [
        "--incompatible_autoload_externally",
        "--incompatible_config_setting_private_default_visibility",
        "--incompatible_disable_native_repo_rules",
        "--incompatible_disable_starlark_host_transitions",
        "--incompatible_strict_action_env",
    ],
)
def test_the_registrys_flags_are_set(flag: str) -> None:
    assert flag in [entry["flag"] for entry in flags.facts()["set"]]


def test_a_flag_nobody_decided_on_is_found() -> None:
    assert flags.undecided(_HELP) == ["incompatible_something_new"]


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("--noenable_workspace", "enable_workspace"),
        (
            "--noincompatible_enable_deprecated_label_apis",
            "incompatible_enable_deprecated_label_apis",
        ),
        ("--combined_report=lcov", "combined_report"),
        ("--incompatible_no_implicit_file_export", "incompatible_no_implicit_file_export"),
    ],
)
def test_names(flag: str, name: str) -> None:
    assert flags.name(flag) == name
