"""Locked Debian packages: reading the lock and fetching each .deb from wherever it can be had.

No mirror is named here. In this order the candidates are: those of --repo_env=DEBIAN_MIRROR, the
ones this machine's own apt uses, and with --repo_env=DEBIAN_SNAPSHOT Debian's archive of the past
at the time the lock was made.
"""

_FIX = "To pin what the archive holds now: ./bazelw run //tools:lock"

def read_lock(rctx, lock, set):
    """Reads one package set out of a lock file.

    Args:
      rctx: the repository or module context.
      lock: label of a third_party/debian/*.lock file; see docs/locking.md for its form.
      set: name of the package set.

    Returns:
      struct(suite, arch, snapshot, packages = [struct(name, version, arch, path, sha256, size,
      requested, where)]); `where` is file:line, for messages. Fails on a malformed line and on a
      set no package is of.
    """
    file = rctx.path(lock)
    header = {}
    packages = []
    for number, line in enumerate(rctx.read(file).split("\n")):
        where = "third_party/debian/{}:{}".format(file.basename, number + 1)
        if not line or line.startswith("#"):
            continue
        words = line.split(" ")
        if len(words) == 2:
            header[words[0]] = words[1]
            continue
        if len(words) != 7 or len(words[4]) != 64 or not words[5].isdigit():
            fail("{}: malformed package line: {}".format(where, line))
        roles = dict([role.split("=") for role in words[6].split(",")])
        if set in roles:
            packages.append(struct(
                name = words[0],
                version = words[1],
                arch = words[2],
                path = words[3],
                sha256 = words[4],
                size = int(words[5]),
                requested = roles[set] == "requested",
                where = where,
            ))
    if not packages:
        fail("third_party/debian/{}: no package is of the set '{}'. {}".format(
            file.basename,
            set,
            _FIX,
        ))
    return struct(packages = packages, **header)

def _words(value):
    return [word for word in value.replace("\t", " ").split(" ") if word]

def _apt_mirrors(rctx):
    """The (URI, suites) pairs of this machine's apt, one-line and deb822 files alike."""
    files = ["/etc/apt/sources.list"]
    parts = rctx.path("/etc/apt/sources.list.d")
    if parts.exists:
        files += sorted([str(p) for p in parts.readdir() if p.basename.endswith((".list", ".sources"))])
    found = []
    for name in files:
        if not rctx.path(name).exists:
            continue
        uris, suites = [], []
        for line in rctx.read(name, watch = "no").split("\n") + [""]:
            if name.endswith(".sources"):
                key, _, value = line.partition(":")
                if key.lower() == "uris":
                    uris = _words(value)
                elif key.lower() == "suites":
                    suites = _words(value)
                elif not line.strip():
                    found += [(uri, suites) for uri in uris]
                    uris, suites = [], []
            elif line.startswith("deb ") or line.startswith("deb\t"):
                rest = line[4:].strip()
                if rest.startswith("["):
                    rest = rest.partition("]")[2]
                words = _words(rest)
                if len(words) >= 2:
                    found.append((words[0], [words[1]]))
    return found

def _bases(rctx, archive):
    """Base URLs of the main archive ('') or of the security archive ('security')."""
    suffix = "-security" if archive == "security" else ""
    bases = [mirror.rstrip("/") + suffix for mirror in _words(rctx.getenv("DEBIAN_MIRROR") or "")]
    for uri, suites in _apt_mirrors(rctx):
        if not uri.startswith(("http://", "https://", "file:///")):
            continue
        uri = uri.rstrip("/")
        is_security = bool([s for s in suites if s.endswith("-security")])
        if uri.endswith("/debian") and not is_security:
            bases.append(uri + suffix)
        elif is_security and archive == "security":
            bases.append(uri)
    unique = []
    for base in bases:
        if base not in unique:
            unique.append(base)
    return unique

def debian_urls(rctx, path, snapshot = None):
    """Candidate URLs of a pool path.

    Args:
      rctx: the repository context.
      path: `pool/...`, or `security:pool/...` for a file of the security archive.
      snapshot: the lock's timestamp (YYYYMMDDTHHMMSSZ), for DEBIAN_SNAPSHOT.

    Returns:
      the URLs in the order they are to be tried; fails when no mirror is known at all.
    """
    archive, _, pool = path.rpartition(":")
    bases = _bases(rctx, archive)
    past = rctx.getenv("DEBIAN_SNAPSHOT")
    if past and snapshot:
        name = "debian-security" if archive == "security" else "debian"
        bases.append("{}/archive/{}/{}".format(past.rstrip("/"), name, snapshot))
    if not bases:
        fail("No Debian mirror is known: this machine's apt names none. " +
             "Give one: --repo_env=DEBIAN_MIRROR=<URL of a mirror's debian folder>")

    # '+' and '~' stand in pool paths as they are; only '%' would need care and never occurs.
    return ["{}/{}".format(base, pool) for base in bases]

def download_debs(rctx, lock, folder):
    """Downloads packages at once, each checked against its sha256.

    Args:
      rctx: the repository context.
      lock: what `read_lock` returned.
      folder: where the files go, below the repository.

    Returns:
      the file names in the order of `lock.packages`. Fails naming the package and its lock line
      when no candidate has the pinned bytes.
    """
    pending = []
    for package in lock.packages:
        name = "{}/{}".format(folder, package.path.rpartition("/")[2])
        urls = debian_urls(rctx, package.path, lock.snapshot)
        pending.append((package, name, urls, rctx.download(
            urls,
            name,
            sha256 = package.sha256,
            allow_fail = True,
            block = False,
        )))
    for number, (package, _, urls, download) in enumerate(pending):
        rctx.report_progress("Fetching {} ({} of {})".format(
            package.name,
            number + 1,
            len(pending),
        ))
        if not download.wait().success:
            fail("\n".join([
                "{}: {} {} can't be fetched with the pinned sha256 from any of:".format(
                    package.where,
                    package.name,
                    package.version,
                ),
            ] + ["  " + url for url in urls] + [
                "It may have left the archive. {}".format(_FIX),
                "For the very bytes pinned: --repo_env=DEBIAN_SNAPSHOT=<URL of Debian's snapshot archive>",
            ]))
    return [name for _, name, _, _ in pending]
