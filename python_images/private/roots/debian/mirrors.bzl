"""Where Debian packages are fetched from, for repository rules.

The candidates for each file are, in this order: the mirrors of --repo_env=DEBIAN_MIRROR, those this
machine's own apt uses, the public ones of catalog/mirrors.json, and Debian's snapshot archive at the
time the lock was made. Whichever it is, the lock's sha256 decides whether the bytes are taken.
"""

load("//python_images/private/roots:mirrors.bzl", "public_mirrors")
load("//python_images/private/roots:packages.bzl", "fetch_packages")
load(":lock.bzl", "parse_lock", "parse_package", "relock")

# Suites by which a source of apt's is known to be Debian's own archive, a pocket cut off.
_SUITES = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "stable",
    "testing",
    "unstable",
    "oldstable",
    "oldoldstable",
]
_POCKETS = ["-updates", "-proposed-updates", "-backports"]
_SECURITY_POCKETS = ["-security", "/updates"]

def _words(text):
    return [word for word in text.replace("\t", " ").replace("\n", " ").split(" ") if word]

def _without_suffix(text, suffixes):
    for suffix in suffixes:
        if text.endswith(suffix):
            return text.removesuffix(suffix)
    return text

def _expand(rctx, uri):
    """The mirrors listed in the file of apt's `mirror+file:`, or the URI itself."""
    if not uri.startswith("mirror+file:"):
        return [uri]
    file = rctx.path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    if not file.exists:
        return []
    lines = [_words(line) for line in rctx.read(file, watch = "no").split("\n")]
    return [words[0] for words in lines if words and not words[0].startswith("#")]

def parse_apt_uris(text):
    """Splits what `apt-get update --print-uris` prints into Debian's archives.

    Args:
      text: lines such as `'<archive root>/dists/<suite>/InRelease' <file> <size>`.

    Returns:
      struct(main, security): the roots of Debian's archives, others left out.
    """
    main, security = [], []
    for line in text.split("\n"):
        parts = line.split("'")
        root, dists, rest = (parts[1] if len(parts) == 3 else "").partition("/dists/")
        suite = rest.removesuffix("/InRelease")
        if not dists or suite == rest:
            continue
        if _without_suffix(suite, _SECURITY_POCKETS) != suite:
            suite, into = _without_suffix(suite, _SECURITY_POCKETS), security
        else:
            suite, into = _without_suffix(suite, _POCKETS), main
        if suite in _SUITES and root not in into:
            into.append(root)
    return struct(main = main, security = security)

def _usable(uris):
    """Those of the URIs that Bazel can download from, in its spelling and each once."""
    found = []
    for uri in uris:
        if uri.startswith("file:/"):
            uri = "file:///" + uri.removeprefix("file:").lstrip("/")
        if uri.startswith(("http://", "https://", "file:///")) and uri not in found:
            found.append(uri)
    return found

def debian_mirrors(rctx):
    """The mirrors to try: from --repo_env, from the machine's apt, from the catalog.

    Args:
      rctx: the repository context.

    Returns:
      struct(main, security, public_main, public_security, snapshot): lists of root URLs without
      trailing slash, and the root URL of a snapshot service. `main` and `security` are the user's
      and the machine's own, and may be empty.
    """
    main = [uri.rstrip("/") for uri in _words(rctx.getenv("DEBIAN_MIRROR") or "")]
    security = [uri.rstrip("/") for uri in _words(rctx.getenv("DEBIAN_SECURITY_MIRROR") or "")]
    security = security or [uri + "-security" for uri in main]

    # apt prints what it would fetch: it knows where its configuration is, in whichever format.
    apt = rctx.which("apt-get")
    if apt:
        result = rctx.execute([apt, "update", "--print-uris"])
        host = parse_apt_uris(result.stdout if result.return_code == 0 else "")
        host_main = [uri.rstrip("/") for root in host.main for uri in _expand(rctx, root)]
        host_security = [uri.rstrip("/") for root in host.security for uri in _expand(rctx, root)]
        main += host_main
        security += host_security or [uri + "-security" for uri in host_main]

    public = public_mirrors(rctx)["debian"]
    return struct(
        main = _usable(main),
        security = _usable(security),
        public_main = public["main"],
        public_security = public["security"],
        snapshot = (rctx.getenv("DEBIAN_SNAPSHOT") or public["snapshot"]).rstrip("/"),
    )

def debian_urls(mirrors, path, snapshots = []):
    """Candidate URLs of a file in Debian's archive.

    A file of the security archive is looked for in the main one too: it moves there with the next
    point release.

    Args:
      mirrors: what debian_mirrors returned.
      path: `pool/...`, or `security:pool/...` for a file of the security archive.
      snapshots: times (YYYYMMDDTHHMMSSZ) at one of which the snapshot archive has the file, if known.

    Returns:
      the URLs in the order they are to be tried, each once.
    """
    archive, _, pool = path.rpartition(":")
    roots = []
    for main, security in [
        (mirrors.main, mirrors.security),
        (mirrors.public_main, mirrors.public_security),
    ]:
        if archive == "security":
            roots += [(root, pool) for root in security]
        roots += [(root, pool.replace("pool/updates/", "pool/", 1)) for root in main]
    for time in snapshots:
        snapshot = mirrors.snapshot + "/archive/{}/" + time
        if archive == "security":
            roots.append((snapshot.format("debian-security"), pool))
        roots.append((snapshot.format("debian"), pool.replace("pool/updates/", "pool/", 1)))
    return {"{}/{}".format(root, file): None for root, file in roots}.keys()

def read_lock(rctx, lock, set):
    """Reads one package set out of a lock file.

    Args:
      rctx: the repository or module context.
      lock: label of a third_party/debian/*.lock file; see docs/locking.md for its form.
      set: name of the package set.

    Returns:
      what download_debs takes: struct(name, suite, arch, snapshot, earlier, packages = [struct(name,
      version, arch, path, sha256, size, requested, where)]), `name` being the file and `where`
      file:line. Fails on a malformed line and on a set no package is of.
    """
    name = "{}/{}".format(lock.package, lock.name)
    parsed = parse_lock(rctx.read(rctx.path(lock)), name)
    return select_packages(parsed, parsed.lines.keys(), name, set)

def select_packages(parsed, lines, name, set):
    """The packages of one set, as read_lock returns them.

    Args:
      parsed: what parse_lock returned.
      lines: the package lines to look at; one that isn't of `parsed` has no line number in errors.
      name: the lock file, for errors.
      set: name of the package set.

    Returns:
      see read_lock.
    """
    packages = []
    for line in lines:
        where = "{}:{}".format(name, parsed.lines[line]) if line in parsed.lines else name
        package = parse_package(line, where)
        if set in package.roles:
            packages.append(struct(
                name = package.name,
                version = package.version,
                arch = package.arch,
                path = package.path,
                sha256 = package.sha256,
                size = package.size,
                requested = package.roles[set] == "requested",
                where = where,
            ))
    if not packages:
        fail("{}: no package is of the set '{}'; {}".format(name, set, relock(name)))
    return struct(
        name = name,
        suite = parsed.suite,
        arch = parsed.arch,
        earlier = parsed.earlier,
        snapshot = parsed.snapshot,
        packages = packages,
    )

def download_debs(rctx, lock, folder = ".", written_by = None):
    """Downloads packages in parallel, each checked against its sha256.

    Args:
      rctx: the repository context.
      lock: what read_lock returned.
      folder: where the files go, below the repository.
      written_by: the command that writes the lock, if it is none of this module's.

    Returns:
      the file names in the order of `lock.packages`, relative to the repository. Fails naming
      every package, with its line in the lock, that no candidate has with the pinned bytes.
    """
    mirrors = debian_mirrors(rctx)
    snapshots = [lock.snapshot] + getattr(lock, "earlier", [])
    return fetch_packages(
        rctx,
        "Debian",
        lock.packages,
        lambda package: debian_urls(mirrors, package.path, snapshots),
        [
            "If mirrors dropped or replaced them, " + relock(lock.name, written_by),
            "For another mirror: --repo_env=DEBIAN_MIRROR=<root URL>",
            "For another copy of Debian's snapshot archive: --repo_env=DEBIAN_SNAPSHOT=<root URL>",
        ],
        folder,
    )
