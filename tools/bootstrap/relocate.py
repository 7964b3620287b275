"""Makes unpacked Debian packages work under a prefix instead of / : links, ELF files, class path.

What it writes has the prefix's absolute path in it, so a relocated tree can't be moved.
"""

from __future__ import annotations

import glob
import os
import struct
import subprocess
import urllib.parse
import zipfile

from tools.bootstrap.common import BootstrapError

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = f"{LIBRARIES}/ld-linux-x86-64.so.2"
INSTALL_BASE = "usr/share/bazel"
CLASSPATH = f"{INSTALL_BASE}/bazel_classpath_debian_depends.txt"

_PT_INTERP = 3


def relocate(root: str) -> None:
    """Do all of it for the tree `root`. Raises BootstrapError if the tree is not as expected."""
    if not os.path.isfile(os.path.join(root, LOADER)):
        raise BootstrapError(f"{root}/{LOADER}: libc6 has no such file; {_drifted()}")
    relative_links(root)
    drop_special_modes(root)
    patch_programs(root)
    fix_classpath(root)
    tell_version(root)
    link_zstd(root)


def relative_links(root: str) -> None:
    """Turn absolute symbolic links to files of the tree into relative ones."""
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                target = os.readlink(path)
                if target.startswith("/") and os.path.lexists(root + target):
                    os.unlink(path)
                    os.symlink(os.path.relpath(root + target, os.path.realpath(directory)), path)


def drop_special_modes(root: str) -> None:
    """Remove set-user-id and the like: nothing here may gain privileges."""
    for directory, _, files in os.walk(root):
        for name in files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if mode & 0o7000 and not os.path.islink(path):
                os.chmod(path, mode & 0o777)


def interpreter(path: str) -> str:
    """The dynamic loader that an ELF file asks for; "" if it asks for none or is no ELF file."""
    with open(path, "rb") as elf:
        head = elf.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":  # 64 bit, little-endian
            return ""
        offset = struct.unpack_from("<Q", head, 32)[0]
        entry_size, entries = struct.unpack_from("<HH", head, 54)
        elf.seek(offset)
        table = elf.read(entry_size * entries)
        for number in range(entries):
            kind, _, start, _, _, size = struct.unpack_from("<IIQQQQ", table, number * entry_size)
            if kind == _PT_INTERP:
                elf.seek(start)
                return elf.read(size).rstrip(b"\0").decode()
    return ""


def patch_programs(root: str) -> None:
    """Give every dynamic program the tree's own loader and libraries instead of the host's."""
    loader = os.path.join(root, LOADER)
    libraries = os.path.join(root, LIBRARIES)
    program = os.path.join(root, "usr/bin/patchelf")
    if not os.path.isfile(program):
        raise BootstrapError(f"{program}: no such file; {_drifted()}")
    patchelf = [loader, "--library-path", libraries, program]

    def run(*arguments: str) -> str:
        done = subprocess.run([*patchelf, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BootstrapError(
                f"patchelf {' '.join(arguments)}: {done.stderr.strip()}; {_drifted()}"
            )
        return done.stdout.strip()

    patched = 0
    for path in sorted(_programs(root)):
        if path == program:  # it can't write to itself while it runs, and nobody needs it later
            continue
        rpath = run("--print-rpath", path)
        # DT_RPATH rather than DT_RUNPATH: it also holds for libraries that libraries load.
        full = f"{rpath}:{libraries}" if rpath else libraries
        run("--set-interpreter", loader, "--force-rpath", "--set-rpath", full, path)
        patched += 1
    if not patched:
        raise BootstrapError(f"{root}: no dynamic program in it; {_drifted()}")


def fix_classpath(root: str) -> None:
    """Rewrite the Bazel server's class path to jars of the tree.

    Debian's list relies on the jars' manifests to name further jars by absolute path; those are
    followed here, and listed.
    """
    listing = os.path.join(root, CLASSPATH)
    try:
        with open(listing, encoding="utf-8") as lines:
            queue = [_inside(root, line.strip()) for line in lines if line.strip()]
    except FileNotFoundError as error:
        raise BootstrapError(
            f"{listing}: bazel-bootstrap has no such file; {_drifted()}"
        ) from error
    seen: list[str] = []
    known = set()
    for jar in queue:  # grows while it is walked
        if jar in known or not os.path.exists(jar):
            continue
        known.add(jar)
        seen.append(jar)
        queue += [_inside(root, entry, os.path.dirname(jar)) for entry in manifest_class_path(jar)]
    if not seen:
        raise BootstrapError(f"{listing}: none of its jars is there; {_drifted()}")
    with open(listing, "w", encoding="utf-8") as out:
        out.write("".join(jar + "\n" for jar in seen))


def manifest_class_path(jar: str) -> list[str]:
    """The paths in the Class-Path of a jar's manifest, as they stand there but for file: and %."""
    with zipfile.ZipFile(jar) as archive:
        try:
            manifest = archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
        except KeyError:
            return []
    manifest = manifest.replace("\r\n", "\n").replace("\n ", "")  # unfold continuation lines
    for line in manifest.split("\n"):
        name, _, value = line.partition(":")
        if name.lower() == "class-path":
            return [
                urllib.parse.unquote(urllib.parse.urlsplit(entry).path) for entry in value.split()
            ]
    return []


def tell_version(root: str) -> None:
    """Let the server know its version, which Debian's build leaves out of it.

    Without it `bazel version` fails and native.bazel_version is empty, which some Starlark modules
    take for a development version. The server looks for the resource /build-data.properties.
    """
    install_base = os.path.join(root, INSTALL_BASE)
    label = os.path.join(install_base, "build-label.txt")
    try:
        with open(label, encoding="utf-8") as text:
            version = text.read().strip()
    except FileNotFoundError as error:
        raise BootstrapError(f"{label}: bazel-bootstrap has no such file; {_drifted()}") from error
    jar = os.path.join(install_base, "build-data.jar")
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("build-data.properties", f"build.label={version}\n")
    with open(os.path.join(root, CLASSPATH), "a", encoding="utf-8") as classpath:
        classpath.write(jar + "\n")


def link_zstd(root: str) -> None:
    """Put libzstd-jni where Bazel's server looks for native libraries: its install base."""
    found = glob.glob(os.path.join(root, LIBRARIES, "libzstd-jni.so*"))
    found += glob.glob(os.path.join(root, LIBRARIES, "jni", "libzstd-jni.so*"))
    if not found:
        raise BootstrapError(f"{root}/{LIBRARIES}: libzstd-jni-java has no library; {_drifted()}")
    install_base = os.path.join(root, INSTALL_BASE)
    for library in found:
        link = os.path.join(install_base, os.path.basename(library))
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(os.path.relpath(library, install_base), link)


def java_home(root: str) -> str:
    """The directory of the tree's JVM, relative to root."""
    homes = [
        home
        for home in sorted(glob.glob(os.path.join(root, "usr/lib/jvm/java-*-openjdk-*")))
        if os.path.isfile(os.path.join(home, "bin", "java")) and not os.path.islink(home)
    ]
    if len(homes) != 1:
        raise BootstrapError(f"{root}/usr/lib/jvm: {len(homes)} JVMs, 1 expected; {_drifted()}")
    return os.path.relpath(homes[0], root)


def _programs(root: str) -> list[str]:
    found = []
    for directory, _, files in os.walk(root):
        for name in files:
            path = os.path.join(directory, name)
            if os.path.islink(path) or not os.access(path, os.X_OK):
                continue
            # A shared library may be runnable, too (libc.so.6): it keeps the loader it has.
            if ".so" not in name and interpreter(path):
                found.append(path)
    return found


def _inside(root: str, path: str, beside: str = "") -> str:
    """The path of a file of the tree that calls itself `path`; relative ones are beside a jar."""
    if not path.startswith("/"):
        return os.path.normpath(os.path.join(beside, path))
    path = os.path.normpath(path)
    return path if path.startswith(root + os.sep) else root + path


def _drifted() -> str:
    return "Debian's packages have changed in a way that tools/bootstrap/ does not know"
