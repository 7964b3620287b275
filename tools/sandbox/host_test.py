"""Tests of host.py."""

from pathlib import Path

import pytest

from tools.sandbox import host


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        ("user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=15000"),
        ("user/max_user_namespaces", "15000", "--security-opt seccomp=unconfined"),
        ("kernel/apparmor_restrict_unprivileged_userns", "0", "seccomp=unconfined"),
    ],
)
def test_the_setting_that_forbids_is_named(
    tmp_path: Path, name: str, value: str, command: str
) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(value + "\n")
    assert command in host.remedy(tmp_path)
