"""What repositories of locked packages have in common, whichever the packages' format."""

_SET_BUILD = """\
package(default_visibility = ["//visibility:public"])

exports_files(["packages.json"] + {files})

filegroup(
    name = "{group}",
    srcs = {files},
)
"""

_HUB_BUILD = """\
alias(
    name = "{set}",
    actual = "@{repo}//:{group}",
    visibility = ["//visibility:public"],
)

alias(
    name = "{set}.json",
    actual = "@{repo}//:packages.json",
    visibility = ["//visibility:public"],
)
"""

def file_name(package):
    """Name of a package's file, the last part of its path."""
    return package.path.rpartition("/")[2]

def unfetched_message(kind, missing, remedies):
    """What is said of packages that no candidate has with the locked bytes.

    Args:
      kind: whose packages, such as Debian.
      missing: list of (package, URLs tried); a package has where, name, version and sha256.
      remedies: lines that say what to do.

    Returns:
      a string of several lines.
    """
    lines = ["locked {} packages can't be fetched:".format(kind)]
    for number, (package, urls) in enumerate(missing):
        lines.append("{}: {} {}, sha256 {}, isn't available from {}".format(
            package.where,
            package.name,
            package.version,
            package.sha256,
            "the same places" if number else "any of",
        ))

        # There are several mirrors, and on a machine without a network hundreds of packages.
        if number == 0:
            lines += ["    " + url for url in urls]
    return "\n".join(lines + remedies)

def _server(url):
    """The server of a URL, with its port; "" if there is none."""
    return url.split("/")[2]

def _download(rctx, package, folder, urls, block):
    file = file_name(package)
    name = file if folder == "." else "{}/{}".format(folder, file)
    result = rctx.download(urls, name, sha256 = package.sha256, allow_fail = True, block = block)
    return struct(name = name, package = package, result = result, urls = urls)

def fetch_packages(rctx, kind, packages, urls_of, remedies, folder = "."):
    """Downloads packages in parallel, each checked against its sha256.

    The smallest is fetched first, by itself: Bazel takes a quarter of a minute to give up on a
    server that doesn't answer. Those that don't have it are asked last for the others, and nothing
    else is tried when none has it.

    Args:
      rctx: the repository context.
      kind: whose packages, such as Debian, for the error.
      packages: list of struct(name, version, path, sha256, size, where); `where` is the lock, with
        the line if it is known.
      urls_of: function from a package to the URLs to try, in order.
      remedies: lines for the error that say what to do.
      folder: where the files go, below the repository.

    Returns:
      the file names in the order of `packages`, relative to the repository. Fails naming the
      packages that no candidate has with the pinned bytes, and how many weren't tried.
    """
    first = sorted(packages, key = lambda package: package.size)[0]
    rctx.report_progress("fetching {} (1 of {})".format(first.name, len(packages)))
    without = {}
    done = {}
    for url in urls_of(first):
        download = _download(rctx, first, folder, [url], block = True)
        if download.result.success:
            done[first.path] = download.name
            break
        without[_server(url)] = None
    if not done:
        untried = len(packages) - 1
        note = ["Not tried: {} more of the set.".format(untried)] if untried else []
        fail(unfetched_message(kind, [(first, urls_of(first))], note + remedies))

    pending = []
    for package in packages:
        if package != first:
            urls = sorted(urls_of(package), key = lambda url: _server(url) in without)
            pending.append(_download(rctx, package, folder, urls, block = False))
    missing = []
    for number, download in enumerate(pending):
        package = download.package
        rctx.report_progress("fetching {} ({} of {})".format(package.name, number + 2, len(packages)))
        if download.result.wait().success:
            done[package.path] = download.name
        else:
            missing.append((package, download.urls))
    if missing:
        fail(unfetched_message(kind, missing, remedies))
    return [done[package.path] for package in packages]

def packages_json(packages, facts = {}):
    """What is known of the packages of a set, as docs/locking.md has it.

    Args:
      packages: list of struct(name, version, arch, path, sha256, size, requested).
      facts: what is said of all of them, besides.

    Returns:
      a string, JSON.
    """
    return json.encode_indent([
        {
            "architecture": package.arch,
            "file": file_name(package),
            "package": package.name,
            "path": package.path,
            "requested": package.requested,
            "sha256": package.sha256,
            "size": package.size,
            "version": package.version,
        } | facts
        for package in packages
    ]) + "\n"

def _list(items):
    return "[\n" + "".join(["    {},\n".format(repr(item)) for item in items]) + "]"

def write_package_set(rctx, group, packages, facts = {}):
    """Writes what the repository of a package set has besides the packages' files.

    Args:
      rctx: the repository context.
      group: name of the target that has the files, such as debs.
      packages: what packages_json takes.
      facts: what packages.json says of all of them, besides.
    """
    files = _list(sorted([file_name(package) for package in packages]))
    rctx.file("BUILD.bazel", _SET_BUILD.format(files = files, group = group), executable = False)
    rctx.file("packages.json", packages_json(packages, facts), executable = False)

def hub_build(group, repos):
    """The BUILD file by which the sets of one lock are reached.

    Args:
      group: name of the target that has the files in a set's repository.
      repos: dict: name of a package set -> name of its repository.

    Returns:
      a string: for each set <set>, the files, and <set>.json, what they are.
    """
    return "\n".join([
        _HUB_BUILD.format(group = group, repo = repo, set = set)
        for set, repo in repos.items()
    ])
