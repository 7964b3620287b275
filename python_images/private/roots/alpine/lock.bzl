"""Reading the lock files of Alpine packages, third_party/alpine/<release>_<arch>.lock.

tools/packages/alpine/lockfile.py has the format and checks it in full when a lock is written; here what
would lead to a wrong download or a wrong name is refused.
"""

load(
    "//python_images/private/roots:columns.bzl",
    "is_name",
    "is_path",
    "is_sha256",
    "is_size",
    "is_time",
    "is_url",
    "is_version",
    "is_word",
    "package_fault",
    "roles",
)
load("//tools/cli:commands.bzl", "renewal")

# What the values of header lines have to be.
_HEADER = {"arch": is_word, "release": is_word, "repository": is_url, "time": is_time}
_KEYS = ("release", "arch", "time")

def alpine_line_fault(line):
    """What is wrong with a package's line.

    Args:
      line: the line.

    Returns:
      a string, or None.
    """
    words = line.split(" ")
    if len(words) != 7:
        return "it has {} columns instead of 7".format(len(words))
    return package_fault([
        ("package name", words[0], is_name(words[0])),
        ("version", words[1], is_version(words[1])),
        ("path", words[2], is_path(words[2], ".apk")),
        ("SHA-256", words[3], is_sha256(words[3])),
        ("size", words[5], is_size(words[5])),
    ], words[6])

def relock(release):
    """How to pin what mirrors have now, for messages."""
    return renewal("./bazelw run //tools:lock -- {}".format(release))

def _package(line, where, release):
    fault = alpine_line_fault(line)
    if fault:
        fail("{}: malformed package line '{}': {}; {}".format(where, line, fault, relock(release)))
    words = line.split(" ")
    return struct(
        name = words[0],
        version = words[1],
        path = words[2],
        sha256 = words[3],
        size = int(words[5]),
        roles = roles(words[6]),
        where = where,
        line = line,
    )

def parse_alpine_lock(text, name):
    """Parses a lock file.

    Args:
      text: its content.
      name: what to call it in errors, such as third_party/alpine/alpine3.24_x86_64.lock.

    Returns:
      struct(release, arch, time, repositories, packages); `packages` is a list of struct(name,
      version, path, sha256, size, roles, where, line), `roles` mapping the name of each package
      set to "requested" or "dependency".
    """
    header = {}
    repositories = []
    packages = []
    for index, line in enumerate(text.split("\n")):
        key, _, value = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if not packages and key in _HEADER and " " not in value and not _HEADER[key](value):
            fail("{}:{}: {} is no {}; {}".format(
                name,
                index + 1,
                repr(value),
                key,
                relock(header.get("release", "<release>")),
            ))
        if not packages and key in _KEYS and value and " " not in value:
            header[key] = value
        elif not packages and key == "repository" and " " not in value:
            repositories.append(value)
        else:
            where = "{}:{}".format(name, index + 1)
            packages.append(_package(line, where, header.get("release", "<release>")))
    for key in _KEYS:
        if key not in header:
            fail("{}: no '{}' line; {}".format(name, key, relock(header.get("release", "<release>"))))
    if not repositories:
        fail("{}: no 'repository' line; {}".format(name, relock(header["release"])))
    return struct(
        arch = header["arch"],
        packages = packages,
        release = header["release"],
        repositories = repositories,
        time = header["time"],
    )

def alpine_mirrors(given, lock_repositories, repositories, public):
    """The mirrors to try, in order.

    Those that a user names come first, then this machine's, the lock's and the catalog's.

    Args:
      given: the value of --repo_env=ALPINE_MIRROR: URLs with blanks between, or empty.
      lock_repositories: the lock's repositories.
      repositories: the text of this machine's /etc/apk/repositories, or empty.
      public: what catalog/mirrors.json has for Alpine.

    Returns:
      list of URLs of folders that have v3.24/ and the like, each once.
    """
    mirrors = given.split(" ")
    for line in repositories.split("\n") + lock_repositories:
        parts = line.strip().rstrip("/").split("/")
        if len(parts) > 3 and parts[0] in ("http:", "https:", "file:") and parts[-2].startswith("v"):
            mirrors.append("/".join(parts[:-2]))
    mirrors += public["main"]
    return {mirror.rstrip("/"): None for mirror in mirrors if mirror}.keys()
