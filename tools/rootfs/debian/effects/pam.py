"""PAM: the common stacks pam-auth-update writes from the profiles of installed modules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_SOURCE = "libpam-runtime"
_PROFILES = "usr/share/pam-configs"
_STACKS = ("account", "auth", "password", "session", "session-noninteractive")
# What pam-auth-update writes in place of an empty primary block: keeps the jumps intact.
_NO_PRIMARY = "[default=1]\t\t\tpam_permit.so"
_BLOCKS = (
    (
        '# here are the per-package modules (the "Primary" block)',
        "# here's the fallback if no module succeeds",
        "Primary",
    ),
    (
        '# and here are more per-package modules (the "Additional" block)',
        "# end of pam-auth-update config",
        "Additional",
    ),
)


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    fields: dict[str, list[str]]

    def value(self, key: str) -> str:
        return " ".join(self.fields.get(key, []))

    def lines(self, stack: str, block: str, *, first: bool) -> list[str] | None:
        """Module lines of the profile in a stack's block, None if it has none there."""
        facility = stack.partition("-")[0].capitalize()
        if self.value(f"{facility}-Type") != block:
            return None
        if stack == "session-noninteractive" and self.value("Session-Interactive-Only") == "yes":
            return None
        if first and f"{facility}-Initial" in self.fields:
            return self.fields[f"{facility}-Initial"]
        return self.fields[facility]


def pam_auth_update(system: System, script: ReviewedScript) -> None:
    """``pam-auth-update --package --force``: profiles that are on by default, by priority."""
    del script
    tree = system.tree
    profiles = [
        _Profile(name, _parse(tree.read_text(f"{_PROFILES}/{name}")))
        for name in tree.children(_PROFILES)
    ]
    profiles.sort(key=lambda profile: (-int(profile.value("Priority")), profile.name))
    enabled = [profile for profile in profiles if profile.value("Default") == "yes"]
    for stack in _STACKS:
        text = _fill(tree.read_text(f"usr/share/pam/common-{stack}"), stack, enabled)
        tree.put(f"etc/pam.d/common-{stack}", text, source=_SOURCE)
        tree.put(f"var/lib/pam/{stack}", _state(stack, enabled), source=_SOURCE)
    seen = "".join(f"{profile.name}\n" for profile in profiles)
    tree.put("var/lib/pam/seen", seen, source=_SOURCE)


def pam_module_files(system: System, script: ReviewedScript) -> None:
    """libpam-modules: an empty /etc/environment and the file of old passwords."""
    system.tree.put("etc/environment", b"", source=script.script.package)
    system.tree.put("etc/security/opasswd", b"", source=script.script.package, mode=0o600)


def _parse(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    key = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            fields[key].append(line.strip())
        elif line:
            key, _, value = line.partition(":")
            fields[key] = [value.strip()] if value.strip() else []
    return fields


def _block_lines(stack: str, block: str, profiles: list[_Profile]) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for profile in profiles:
        lines = profile.lines(stack, block, first=not found)
        if lines is not None:
            found.append((profile.name, lines))
    return found


def _fill(template: str, stack: str, profiles: list[_Profile]) -> str:
    """The template with both blocks filled in."""
    facility = stack.partition("-")[0]
    for start, end, block in _BLOCKS:
        lines = [line for _, lines in _block_lines(stack, block, profiles) for line in lines]
        # A jump to the end of the block skips the lines below it; `Additional` has no fallback
        # line to skip.
        left = len(lines) - (block == "Additional")
        if not lines and block == "Primary":
            out = [f"{facility}\t{_NO_PRIMARY}\n"]
        else:
            out = [f"{facility}\t{_jump(line, left - i)}\n" for i, line in enumerate(lines)]
        pattern = rf"(^{re.escape(start)}[^\n]*\n).*?(^{re.escape(end)})"
        body = "".join(out)
        template, count = re.subn(
            pattern,
            lambda match, body=body: match[1] + body + match[2],  # type: ignore[misc]
            template,
            flags=re.MULTILINE | re.DOTALL,
        )
        if count != 1:
            raise RootfsError(
                f"/usr/share/pam/common-{stack}",
                f"has no {block} block",
                "Compare pam-auth-update with tools/rootfs/debian/effects/pam.py.",
            )
    return template


def _jump(line: str, distance: int) -> str:
    """A module line as pam-auth-update writes it: `end` as a number, one blank before options."""
    match = re.fullmatch(r"(\[[^\]]*\]|\w+)(\s+\S+)\s*(.*)", line)
    if match is None:
        raise RootfsError(
            f"PAM module line {line!r}",
            "can't be read",
            "Compare pam-auth-update with effects/pam.py.",
        )
    control = re.sub(r"=end\b", f"={distance}", match[1])
    return f"{control}{match[2]} {match[3]}"


def _state(stack: str, profiles: list[_Profile]) -> str:
    primary = _block_lines(stack, "Primary", profiles) or [("null", [_NO_PRIMARY])]
    blocks = primary + _block_lines(stack, "Additional", profiles)
    return "".join(f"Module: {name}\n" + "".join(f"{x}\n" for x in lines) for name, lines in blocks)
