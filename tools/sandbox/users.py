"""Who a container's command runs as: the user an image names, as its own /etc/passwd knows it."""

from collections.abc import Iterable
from dataclasses import dataclass

# The kernel's ids are 32 bits; engines take no more than these.
_LARGEST = (1 << 31) - 1


class UserError(Exception):
    """A user that the image doesn't have."""


@dataclass(frozen=True)
class User:
    """Ids in the container; `groups` are the supplementary ones."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/root"

    @property
    def is_root(self) -> bool:
        """Whether it is root, group included."""
        return (self.uid, self.gid) == (0, 0)

    def __str__(self) -> str:
        """As `--user` takes it: uid:gid."""
        return f"{self.uid}:{self.gid}"


def _rows(text: str, fields: int) -> Iterable[list[str]]:
    """The entries of a passwd or group file; what has too few fields is none."""
    for line in text.splitlines():
        row = line.strip().split(":")
        if len(row) >= fields and row[0] and not row[0].startswith("#"):
            yield row


def _number(text: str) -> int | None:
    """An id, or None if that is no number an id can be."""
    if text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= _LARGEST:
        return int(text)
    return None


def find(user: str, passwd: str, group: str) -> User:
    """The user that `user[:group]`, names or numbers, stands for; root if it is empty.

    `passwd` and `group` are the contents of the image's files. As in container engines a number
    needs no entry, and supplementary groups are those of the entry if no group is named.

    Raises:
        UserError: there is no such name, or the number is too large.
    """
    wanted, colon, wanted_group = user.partition(":")
    wanted = wanted or "0"
    number = _number(wanted)
    entry = next(
        (
            row
            for row in _rows(passwd, 7)
            if (row[0] == wanted or (number is not None and _number(row[2]) == number))
            and _number(row[2]) is not None
            and _number(row[3]) is not None
        ),
        None,
    )
    if entry is None and number is None:
        raise UserError(
            f"user {wanted!r} is not in the image's /etc/passwd: name one that is, or a number up "
            f"to {_LARGEST}"
        )
    if entry is None:
        assert number is not None
        name, uid, gid, home = "", number, 0, "/root" if number == 0 else "/"
    else:
        name, uid, gid, home = entry[0], int(entry[2]), int(entry[3]), entry[5] or "/"
    if colon and wanted_group:
        return User(uid, _group(wanted_group, group), (), home)
    groups = {
        found
        for row in _rows(group, 4)
        if name and name in row[3].split(",") and (found := _number(row[2])) is not None
    }
    return User(uid, gid, tuple(sorted(groups - {gid})), home)


def _group(wanted: str, group: str) -> int:
    for row in _rows(group, 3):
        found = _number(row[2])
        if row[0] == wanted and found is not None:
            return found
    number = _number(wanted)
    if number is None:
        raise UserError(
            f"group {wanted!r} is not in the image's /etc/group: name one that is, or a number up "
            f"to {_LARGEST}"
        )
    return number
