"""Tests of roots/alpine/lock.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//python_images/private/roots/alpine:lock.bzl", "alpine_line_fault", "alpine_mirrors", "parse_alpine_lock")

_MUSL = "musl 1.2.5-r1 v3.24/main/aarch64/musl-1.2.5-r1.apk {} Q1{}= 12 base=dependency".format("a" * 64, "b" * 27)
_TZDATA = "tzdata 2026a-r0 v3.24/main/aarch64/tzdata-2026a-r0.apk {} Q1{}= 3 base=dependency,runtime=requested".format("c" * 64, "d" * 27)
_LOCK = """\
# comment
release alpine3.24
arch aarch64
time 20261120T000000Z
repository https://mirror.test/alpine/v3.24/main
repository https://mirror.test/alpine/v3.24/community
{}
{}
""".format(_MUSL, _TZDATA)

def _lock_test_impl(ctx):
    env = unittest.begin(ctx)
    lock = parse_alpine_lock(_LOCK, "x.lock")
    asserts.equals(
        env,
        ("alpine3.24", "aarch64", "20261120T000000Z"),
        (lock.release, lock.arch, lock.time),
    )
    asserts.equals(env, [
        "https://mirror.test/alpine/v3.24/main",
        "https://mirror.test/alpine/v3.24/community",
    ], lock.repositories)
    asserts.equals(
        env,
        [("musl", "x.lock:7", _MUSL), ("tzdata", "x.lock:8", _TZDATA)],
        [(p.name, p.where, p.line) for p in lock.packages],
    )
    package = lock.packages[1]
    asserts.equals(env, "v3.24/main/aarch64/tzdata-2026a-r0.apk", package.path)
    asserts.equals(env, "c" * 64, package.sha256)
    asserts.equals(env, 3, package.size)
    asserts.equals(env, {"base": "dependency", "runtime": "requested"}, package.roles)
    return unittest.end(env)

def _fault_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, alpine_line_fault(_MUSL))
    for part, other, fault in [
        ("musl 1", "../x 1", "\"../x\" is no package name"),
        ("1.2.5-r1 v", "1/../x v", "\"1/../x\" is no version"),
        ("v3.24/main", "../main", "is no path"),
        ("v3.24/main", "/v3.24/main", "is no path"),
        ("r1.apk", "r1.apk?x.apk", "is no path"),
        ("r1.apk", "r1.apk#x.apk", "is no path"),
        ("r1.apk", "r1.tar", "is no path"),
        ("a" * 64, "g" * 64, "is no SHA-256"),
        (" 12 ", " 1e9 ", "\"1e9\" is no size"),
        ("base=", "ba\"se=", "is no package set's role"),
    ]:
        found = alpine_line_fault(_MUSL.replace(part, other)) or ""
        asserts.true(env, fault in found, "{}: {}".format(other, found))
    return unittest.end(env)

# What a user names, what the lock has, what the machine's own file has -> mirrors before the public ones.
_MIRRORS = [
    ("", ["https://a.test/alpine/v3.24/main", "https://a.test/alpine/v3.24/community"], "", ["https://a.test/alpine"]),
    (
        "file:///m  http://b.test/",
        ["https://a.test/v3.24/main"],
        "# comment\nhttp://c.test/alpine/v3.23/main\n@edge http://d.test/edge/testing\n/media/cdrom/apks\n",
        ["file:///m", "http://b.test", "http://c.test/alpine", "https://a.test"],
    ),
    ("", [], "", []),
]

def _mirrors_test_impl(ctx):
    env = unittest.begin(ctx)
    for given, lock, machine, want in _MIRRORS:
        public = {"main": ["https://p.test/alpine", "https://a.test"]}
        found = alpine_mirrors(given, lock, machine, public)
        asserts.equals(env, want + [m for m in public["main"] if m not in want], found)
    return unittest.end(env)

_lock_test = unittest.make(_lock_test_impl)
_fault_test = unittest.make(_fault_test_impl)
_mirrors_test = unittest.make(_mirrors_test_impl)

def alpine_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _lock_test, _fault_test, _mirrors_test)
