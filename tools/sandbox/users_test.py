"""Tests of users.py."""

import pytest

from tools.sandbox.users import User, UserError, find

PASSWD = """root:x:0:0:root:/root:/bin/bash
# a comment:x:9:9::/:/bin/sh
app:x:10001:10002:App:/home/app:/usr/sbin/nologin
short:x:5
wrong:x:five:5::/:/bin/sh
homeless:x:7:7:::
"""
GROUP = "root:x:0:\nvideo:x:44:app,other\napp:x:10002:app\nwheel:x:10:root\nbad:x:y:app\n"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", User(0, 0, (10,), "/root")),
        ("root", User(0, 0, (10,), "/root")),
        ("0:0", User(0, 0, (), "/root")),
        ("app", User(10001, 10002, (44,), "/home/app")),
        ("10001", User(10001, 10002, (44,), "/home/app")),
        ("10001:10001", User(10001, 10001, (), "/home/app")),
        ("app:video", User(10001, 44, (), "/home/app")),
        ("app:", User(10001, 10002, (44,), "/home/app")),
        ("4711", User(4711, 0, (), "/")),
        ("4711:video", User(4711, 44, (), "/")),
        ("homeless", User(7, 7, (), "/")),
        ("2147483647", User(2147483647, 0, (), "/")),
    ],
)
def test_users_are_found_as_engines_find_them(spec: str, expected: User) -> None:
    assert find(spec, PASSWD, GROUP) == expected


def test_an_image_without_users() -> None:
    assert find("", "", "") == User()
    assert find("10001:10001", "", "") == User(10001, 10001, (), "/")


@pytest.mark.parametrize(
    "spec", ["nobody", "app:nogroup", "2147483648", "-1", "wrong", "short", "app:-5", "١", "#"]
)
def test_what_the_image_has_not_is_an_error(spec: str) -> None:
    with pytest.raises(UserError, match="is not in the image's /etc/"):
        find(spec, PASSWD, GROUP)
