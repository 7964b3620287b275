"""Configuration that scripts create from a default, once, on a new system."""

from __future__ import annotations

from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import heredocs_in
from tools.rootfs.debian.system import System


def name_service_switch(system: System, script: ReviewedScript) -> None:
    """libc-bin: /etc/nsswitch.conf."""
    source = script.script.package
    system.tree.copy("usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf", source=source)


def inputrc(system: System, script: ReviewedScript) -> None:
    """readline-common: /etc/inputrc."""
    source = script.script.package
    system.tree.copy("usr/share/readline/inputrc", "etc/inputrc", source=source)


def netbase(system: System, script: ReviewedScript) -> None:
    """netbase: /etc/hosts and /etc/networks."""
    texts = heredocs_in(script.script.text)
    for path in ("/etc/hosts", "/etc/networks"):
        system.tree.put(path, texts[path], source=script.script.package)


def local_time(system: System, script: ReviewedScript) -> None:
    """tzdata: /etc/localtime is UTC, debconf's default."""
    source = script.script.package
    system.tree.symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC", source=source)


def time_zone_name(system: System, script: ReviewedScript) -> None:
    """tzdata of bookworm: /etc/timezone names the time zone."""
    system.tree.put("etc/timezone", "Etc/UTC\n", source=script.script.package)


def native_architecture(system: System, script: ReviewedScript) -> None:
    """dpkg: its record of the native architecture (from trixie on)."""
    path = "var/lib/dpkg/arch-native"
    system.tree.put(path, f"{system.arch.name}\n", source=script.script.package)
