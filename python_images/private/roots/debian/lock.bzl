"""Reading the lock files of Debian packages, third_party/debian/<suite>_<arch>.lock.

Build locks, third_party/debian/build/<suite>_<arch>.lock, are the same in another folder.
tools/packages/debian/lockfile.py has the format and checks it in full when a lock is written; here what
would lead to a wrong download or a wrong name is refused.
"""

load(
    "//python_images/private/roots:columns.bzl",
    "is_name",
    "is_path",
    "is_sha256",
    "is_size",
    "is_time",
    "is_version",
    "is_word",
    "package_fault",
    "roles",
)
load("//tools/cli:commands.bzl", "renewal")

def relock(name, written_by = None):
    """How to pin what the archive has now, for messages.

    Args:
      name: the lock: third_party/debian/<suite>_<arch>.lock of this module, or its folder ubuntu, or
        build below these, with a line or without; or the label of another module's.
      written_by: the command that writes another module's lock, if it is known.

    Returns:
      a string.
    """
    if written_by or "//" in name:
        return "to pin what the archive has now: {}".format(
            written_by or "bazel run the debian_lock that writes it",
        )
    suite, _, arch = name.rpartition("/")[2].partition(".lock")[0].partition("_")

    if "/ubuntu/" in name:
        # With a lock that can't be read, //tools:lock can't be loaded either.
        return renewal("rm {}, then ./bazelw run //tools:lock -- {}".format(name.partition(":")[0], suite))

    # Without Bazel: what //tools:lock itself needs may be gone, and this file may be what keeps
    # Bazel from loading anything.
    return renewal("./bazelw --bazelw-lock --keep --suite={} --arch={}{}".format(
        suite,
        arch,
        " --build" if "/build/" in name else "",
    ))

# What the values of header lines have to be.
_HEADER = {
    "arch": is_word,
    "earlier": is_time,
    "pockets": lambda value: value in ("main", "main,updates", "main,security", "main,updates,security"),
    "snapshot": is_time,
    "suite": is_word,
}

def line_fault(line):
    """What is wrong with a package's line.

    Args:
      line: the line.

    Returns:
      a string, or None.
    """
    words = line.split(" ")
    if len(words) != 7:
        return "it has {} columns instead of 7".format(len(words))
    path = words[3].removeprefix("security:")
    return package_fault([
        ("package name", words[0], is_name(words[0])),
        ("version", words[1], is_version(words[1])),
        ("architecture", words[2], is_word(words[2])),
        ("path", words[3], path.startswith("pool/") and is_path(path, ".deb")),
        ("SHA-256", words[4], is_sha256(words[4])),
        ("size", words[5], is_size(words[5])),
    ], words[6])

def header_fault(key, value):
    """What is wrong with a header line, or None."""
    return None if _HEADER[key](value) else "{} is no {}".format(repr(value), key)

def parse_package(line, where):
    """Parses one package line.

    Args:
      line: the line of a lock file.
      where: file:line, for the error.

    Returns:
      struct(name, version, arch, path, sha256, size, roles); `roles` maps the name of each package
      set to "requested" or "dependency".
    """
    fault = line_fault(line)
    if fault:
        fail("{}: malformed package line '{}': {}; {}".format(where, line, fault, relock(where)))
    words = line.split(" ")
    return struct(
        name = words[0],
        version = words[1],
        arch = words[2],
        path = words[3],
        sha256 = words[4],
        size = int(words[5]),
        roles = roles(words[6]),
    )

def parse_lock(text, name, written_by = None):
    """Parses a lock file.

    Args:
      text: its content.
      name: what to call it in errors, such as third_party/debian/trixie_amd64.lock.
      written_by: the command that writes another module's lock, if it is known.

    Returns:
      struct(suite, arch, snapshot, earlier, lines); `earlier` are times at which the snapshot archive
      has packages that it hasn't at `snapshot`, and `lines` maps each package line to its line number.
    """
    header = {}
    earlier = []
    lines = {}
    for index, line in enumerate(text.split("\n")):
        key, _, value = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if key in _HEADER and value and " " not in value:
            fault = header_fault(key, value)
            if fault:
                fail("{}:{}: {}; {}".format(name, index + 1, fault, relock(name, written_by)))
            if key == "earlier":
                earlier.append(value)
            else:
                header[key] = value
        else:
            lines[line] = index + 1
    for key in ("suite", "arch", "snapshot"):
        if key not in header:
            fail("{}: no '{}' line; {}".format(name, key, relock(name, written_by)))
    return struct(
        lines = lines,
        arch = header["arch"],
        earlier = earlier,
        snapshot = header["snapshot"],
        suite = header["suite"],
    )
