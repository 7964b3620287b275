"""Reading the lock files of Debian packages, third_party/debian/<suite>_<arch>.lock.

tools/debian/lockfile.py has the format and checks it in full when a lock is written; here only
what would lead to a wrong download is refused.
"""

RELOCK = "to pin what the archive holds now: ./bazelw run //tools:lock"

def parse_package(line, where):
    """Parses one package line.

    Args:
      line: the line of a lock file.
      where: file:line, for the error.

    Returns:
      struct(name, version, arch, path, sha256, size, roles); `roles` maps the name of each package
      set to "requested" or "dependency".
    """
    words = line.split(" ")
    if len(words) != 7 or len(words[4]) != 64 or not words[5].isdigit():
        fail("{}: malformed package line '{}'; {}".format(where, line, RELOCK))
    roles = {}
    for role in words[6].split(","):
        set, _, how = role.partition("=")
        if how not in ("requested", "dependency"):
            fail("{}: '{}' is no package set's role; {}".format(where, role, RELOCK))
        roles[set] = how
    return struct(
        name = words[0],
        version = words[1],
        arch = words[2],
        path = words[3],
        sha256 = words[4],
        size = int(words[5]),
        roles = roles,
    )

def parse_lock(text, name):
    """Parses a lock file.

    Args:
      text: its content.
      name: what to call it in errors, such as third_party/debian/trixie_amd64.lock.

    Returns:
      struct(suite, arch, snapshot, lines); `lines` maps each package line to its line number.
    """
    header = {}
    lines = {}
    for index, line in enumerate(text.split("\n")):
        key, _, value = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if key in ("suite", "arch", "snapshot", "pockets") and value and " " not in value:
            header[key] = value
        else:
            lines[line] = index + 1
    for key in ("suite", "arch", "snapshot"):
        if key not in header:
            fail("{}: no '{}' line; {}".format(name, key, RELOCK))
    return struct(
        lines = lines,
        arch = header["arch"],
        snapshot = header["snapshot"],
        suite = header["suite"],
    )
