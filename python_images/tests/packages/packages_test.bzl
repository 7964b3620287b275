"""Tests of roots/packages.bzl; that Bazel stops on its message is tested in tests/e2e."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//python_images/private/roots:packages.bzl", "fetch_packages", "hub_build", "packages_json", "unfetched_message", "write_package_set")

_PACKAGES = [
    struct(
        arch = arch,
        name = name,
        path = path,
        requested = name == "musl",
        sha256 = digit * 64,
        size = 12,
        version = "1.2-r3",
        where = where,
    )
    for name, arch, path, digit, where in [
        ("musl", "x86_64", "v3.24/main/x86_64/musl-1.2-r3.apk", "a", "x.lock:6"),
        ("adduser", "all", "security:pool/a/adduser_1.2-r3_all.deb", "b", "x.lock"),
    ]
]

_SMALL = struct(name = "small", path = "pool/small.deb", sha256 = "c" * 64, size = 1, where = "x.lock")

def _urls(package):
    return [mirror + package.path for mirror in ("https://a.test/", "https://b.test/", "file:///c/")]

def _repository(log, dead = ()):
    """A repository context where all is available except from dead servers; it logs what it's asked for."""

    def download(urls, output, sha256, allow_fail, block):
        log.append((urls, output, sha256, allow_fail, block))
        alive = [url for url in urls if not any([url.startswith(server) for server in dead])]
        result = struct(success = bool(alive))
        return result if block else struct(wait = lambda: result)

    def file(path, content, executable):
        log.append((path, content, executable))

    return struct(download = download, file = file, report_progress = log.append)

def _fetch_test_impl(ctx):
    env = unittest.begin(ctx)
    log = []
    packages = _PACKAGES + [_SMALL]
    names = fetch_packages(_repository(log), "Some", packages, _urls, [], "debs")

    # In the order of the packages, whichever comes first.
    asserts.equals(env, ["debs/musl-1.2-r3.apk", "debs/adduser_1.2-r3_all.deb", "debs/small.deb"], names)

    # The smallest alone, then all others are begun before the first of them is waited for.
    asserts.equals(env, [
        "fetching small (1 of 3)",
        (_urls(_SMALL)[:1], "debs/small.deb", "c" * 64, True, True),
        (_urls(_PACKAGES[0]), "debs/musl-1.2-r3.apk", "a" * 64, True, False),
        (_urls(_PACKAGES[1]), "debs/adduser_1.2-r3_all.deb", "b" * 64, True, False),
        "fetching musl (2 of 3)",
        "fetching adduser (3 of 3)",
    ], log)
    names = fetch_packages(_repository([]), "Some", _PACKAGES[:1], _urls, [])
    asserts.equals(env, ["musl-1.2-r3.apk"], names)
    return unittest.end(env)

def _dead_server_test_impl(ctx):
    env = unittest.begin(ctx)
    log = []
    fetch_packages(_repository(log, ["https://a.test/"]), "Some", [_SMALL, _PACKAGES[0]], _urls, [])
    asked = [entry[0] for entry in log if type(entry) != "string"]
    a, b, c = _urls(_PACKAGES[0])
    asserts.equals(env, [_urls(_SMALL)[:1], _urls(_SMALL)[1:2], [b, c, a]], asked)
    return unittest.end(env)

def _message_test_impl(ctx):
    env = unittest.begin(ctx)
    message = unfetched_message(
        "Some",
        [(package, _urls(package)[:1]) for package in _PACKAGES],
        ["Do this,", "or that."],
    )
    asserts.equals(env, """\
locked Some packages can't be fetched:
x.lock:6: musl 1.2-r3, sha256 {a}, isn't available from any of
    https://a.test/v3.24/main/x86_64/musl-1.2-r3.apk
x.lock: adduser 1.2-r3, sha256 {b}, isn't available from the same places
Do this,
or that.""".format(a = "a" * 64, b = "b" * 64), message)
    return unittest.end(env)

def _set_test_impl(ctx):
    env = unittest.begin(ctx)
    common = {"distribution": "some", "size": 12, "version": "1.2-r3"}
    asserts.equals(env, [
        common | {
            "architecture": "x86_64",
            "file": "musl-1.2-r3.apk",
            "package": "musl",
            "path": "v3.24/main/x86_64/musl-1.2-r3.apk",
            "requested": True,
            "sha256": "a" * 64,
        },
        common | {
            "architecture": "all",
            "file": "adduser_1.2-r3_all.deb",
            "package": "adduser",
            "path": "security:pool/a/adduser_1.2-r3_all.deb",
            "requested": False,
            "sha256": "b" * 64,
        },
    ], json.decode(packages_json(_PACKAGES, {"distribution": "some"})))
    log = []
    write_package_set(_repository(log), "files", _PACKAGES)
    asserts.equals(env, ("packages.json", packages_json(_PACKAGES), False), log[1])
    path, build, _ = log[0]
    asserts.equals(env, "BUILD.bazel", path)
    asserts.true(env, '    name = "files",\n' in build, build)
    asserts.true(env, '    "adduser_1.2-r3_all.deb",\n    "musl-1.2-r3.apk",\n' in build, build)
    return unittest.end(env)

def _hub_test_impl(ctx):
    env = unittest.begin(ctx)
    lines = hub_build("debs", {"base": "one_base", "slim": "one_slim"}).split("\n")
    asserts.equals(env, [
        ('    name = "base",', '    actual = "@one_base//:debs",'),
        ('    name = "base.json",', '    actual = "@one_base//:packages.json",'),
        ('    name = "slim",', '    actual = "@one_slim//:debs",'),
        ('    name = "slim.json",', '    actual = "@one_slim//:packages.json",'),
    ], [(line, lines[index + 1]) for index, line in enumerate(lines) if "name = " in line])
    return unittest.end(env)

_fetch_test = unittest.make(_fetch_test_impl)
_dead_server_test = unittest.make(_dead_server_test_impl)
_message_test = unittest.make(_message_test_impl)
_set_test = unittest.make(_set_test_impl)
_hub_test = unittest.make(_hub_test_impl)

def packages_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _fetch_test, _dead_server_test, _message_test, _set_test, _hub_test)
