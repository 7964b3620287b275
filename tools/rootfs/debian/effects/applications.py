"""Programs of the buildpack-deps images: groups, fonts, alternatives spelled in their own way."""

from __future__ import annotations

import hashlib
import re

from tools.rootfs.debian.effects.alternatives import register
from tools.rootfs.debian.effects.users import add_system_group, group_id
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.shell import Alternative
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_UCF = "var/lib/ucf"
_UCF_FILE = "/etc/mercurial/hgrc.d/hgext.rc"


def ssh_agent(system: System, script: ReviewedScript) -> None:
    """openssh-client: ssh-agent is set-group-id to a group of its own."""
    add_system_group(system, "_ssh", source=script.script.package)
    gid = group_id(system, "_ssh")
    system.tree.change("usr/bin/ssh-agent", mode=0o2755, uid=0, gid=gid)


def font_configuration(system: System, script: ReviewedScript) -> None:
    """fontconfig-config with debconf's defaults, and the folder for local fonts."""
    source, tree, text = script.script.package, system.tree, script.script.text
    bitmaps = re.search(r'^\s*no_bitmaps="([\w.-]+)"$', text, re.MULTILINE)
    if bitmaps is None:
        raise RootfsError(f"postinst of {source}", "names no no_bitmaps", "Review the script.")
    for name in ("10-hinting-slight.conf", bitmaps[1]):
        shipped = f"/usr/share/fontconfig/conf.avail/{name}"
        if shipped not in tree:
            raise RootfsError(shipped, "is not shipped any more", "Review fontconfig-config.")
        tree.symlink(f"etc/fonts/conf.d/{name}", shipped, source=source)
    folder, group_file = "usr/local/share/fonts", "etc/staff-group-for-usr-local"
    if group_file in text and group_file not in tree:
        tree.mkdir(folder, source=source)
    else:
        tree.mkdir(folder, source=source, mode=0o2775, gid=group_id(system, "staff"))


def font_cache_folder(system: System, script: ReviewedScript) -> None:
    """fontconfig: the folder of its cache; the cache is made again by the first program."""
    system.tree.mkdir("var/cache/fontconfig", source=script.script.package)


def ucf_state(system: System, script: ReviewedScript) -> None:
    """ucf: its empty records."""
    for name in ("hashfile", "registry"):
        system.tree.put(f"{_UCF}/{name}", b"", source=script.script.package)


def mercurial_configuration(system: System, script: ReviewedScript) -> None:
    """mercurial: /etc/mercurial/hgrc.d/hgext.rc through ucf, with ucf's records of it."""
    tree, source = system.tree, script.script.package
    shipped = "usr/share/mercurial/hgext.rc"
    for name in ("hashfile", "registry"):
        # ucf keeps what its records were before.
        tree.copy(f"{_UCF}/{name}", f"{_UCF}/{name}.0", source=source)
    tree.copy(shipped, _UCF_FILE, source=source)
    tree.copy(shipped, f"{_UCF}/cache/{_UCF_FILE.replace('/', ':')}", source=source)
    digest = hashlib.md5(tree.read(shipped), usedforsecurity=False).hexdigest()
    tree.put(f"{_UCF}/hashfile", f"{digest}  {_UCF_FILE}\n", source=source)
    tree.put(f"{_UCF}/registry", f"mercurial \t {_UCF_FILE}\n", source=source)


def database_client(system: System, script: ReviewedScript) -> None:
    """/etc/mysql/my.cnf: mysql-common's fallback, or mariadb-common's with a higher priority."""
    path, priority = {
        "mysql-common": ("/etc/mysql/my.cnf.fallback", 100),
        "mariadb-common": ("/etc/mysql/mariadb.cnf", 200),
    }[script.script.package]
    register(system, [Alternative("/etc/mysql/my.cnf", "my.cnf", path, priority, ())])


def package_configuration_folder(system: System, script: ReviewedScript) -> None:
    """pkgconf-bin: /usr/lib/pkgconfig, whether or not a package ships something in it."""
    system.tree.mkdir("usr/lib/pkgconfig", source=script.script.package)


def automake(system: System, script: ReviewedScript) -> None:
    """automake and aclocal of the version the script names."""
    found = re.search(r"^ver=([\d.]+)\nprio=(\d+)$", script.script.text, re.MULTILINE)
    if found is None:
        raise RootfsError("postinst of automake", "names no version", "Review the script.")
    version, priority = found[1], int(found[2])
    slaves = (
        ("/usr/bin/aclocal", "aclocal", f"/usr/bin/aclocal-{version}"),
        _man("automake", f"automake-{version}"),
        _man("aclocal", f"aclocal-{version}"),
    )
    path = f"/usr/bin/automake-{version}"
    register(system, [Alternative("/usr/bin/automake", "automake", path, priority, slaves)])


def imagemagick(system: System, script: ReviewedScript) -> None:
    """Every program of the script's loop, under its own name and with the version's suffix."""
    text = script.script.text
    loop = re.search(r"for prog in ([a-z -]+); do", text)
    names = set(re.findall(r"/usr/bin/\$prog-(im\d)\.(q16)", text))
    if loop is None or len(names) != 1:
        raise RootfsError(
            f"postinst of {script.script.package}", "has no such loop", "Review the script."
        )
    major, depth = names.pop()
    for program in loop[1].split():
        path = f"/usr/bin/{program}-{major}.{depth}"
        for name in (program, f"{program}-{major}"):
            slaves = (_man(name, f"{program}-{major}.{depth}"),)
            register(system, [Alternative(f"/usr/bin/{name}", name, path, 10000, slaves)])


def lzma_programs(system: System, script: ReviewedScript) -> None:
    """xz-utils: lzma and its relatives."""
    loop = re.search(r"for util in ([a-z ]+)\n", script.script.text)
    if loop is None:
        raise RootfsError("postinst of xz-utils", "has no such loop", "Review the script.")
    slaves = [
        _man("lzma", "xz"),
        ("/usr/bin/unlzma", "unlzma", "/usr/bin/unxz"),
        _man("unlzma", "unxz"),
    ]
    for name in loop[1].split():
        slaves += [
            (f"/usr/bin/lz{name}", f"lz{name}", f"/usr/bin/xz{name}"),
            _man(f"lz{name}", f"xz{name}"),
        ]
    register(system, [Alternative("/usr/bin/lzma", "lzma", "/usr/bin/xz", 20, tuple(slaves))])


def _man(name: str, page: str) -> tuple[str, str, str]:
    folder = "/usr/share/man/man1"
    return (f"{folder}/{name}.1.gz", f"{name}.1.gz", f"{folder}/{page}.1.gz")
