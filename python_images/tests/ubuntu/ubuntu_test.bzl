"""Tests of roots/ubuntu/lock.bzl, ubuntu.bzl and roots/unlocked.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "unittest")
load("//python_images/private/roots/ubuntu:lock.bzl", "parse_ubuntu_apt_uris", "parse_ubuntu_lock", "ubuntu_mirrors", "ubuntu_variable")
load("//third_party:unlocked.bzl", "unlocked")
load("//third_party/ubuntu:locked.bzl", "ubuntu_locked")

_TZDATA = "tzdata 2026f-0ubuntu0.24.04 all pool/main/t/tzdata_2_all.deb {} 3 base=dependency".format("b" * 64)
_LOCK = """\
# comment
suite noble
arch arm64
snapshot 20261120T000000Z
mirror http://p.test/ports
security_mirror http://s.test/ports
{}
""".format(_TZDATA)

def _lock_test_impl(ctx):
    env = unittest.begin(ctx)
    lock = parse_ubuntu_lock(_LOCK, "x.lock")
    asserts.equals(env, ("noble", "arm64", "20261120T000000Z"), (lock.suite, lock.arch, lock.snapshot))
    asserts.equals(env, ("http://p.test/ports", "http://s.test/ports"), (lock.mirror, lock.security_mirror))

    # Line numbers are the file's.
    asserts.equals(env, {_TZDATA: 7}, lock.lines)
    return unittest.end(env)

def _variable_test_impl(ctx):
    env = unittest.begin(ctx)
    for arch in ("amd64", "i386"):
        asserts.equals(env, "UBUNTU_MIRROR", ubuntu_variable(arch))
    for arch in ("arm64", "armhf", "ppc64el", "riscv64", "s390x"):
        asserts.equals(env, "UBUNTU_PORTS_MIRROR", ubuntu_variable(arch))
    return unittest.end(env)

# What a user names, this machine's apt has, the machine's and the packages' architecture -> mirrors
# before the public ones.
_MIRRORS = [
    ("", [], "amd64", "amd64", ["http://lock.test"]),
    ("http://a.test/  file:///b", ["http://m.test"], "amd64", "amd64", ["http://a.test", "file:///b", "http://m.test", "http://lock.test"]),
    ("http://a.test", ["http://m.test"], "amd64", "arm64", ["http://a.test", "http://lock.test"]),
    ("", ["http://m.test"], "arm64", "riscv64", ["http://m.test", "http://lock.test"]),
    ("http://lock.test/", [], "amd64", "amd64", ["http://lock.test"]),
]

def _mirrors_test_impl(ctx):
    env = unittest.begin(ctx)
    lock = struct(mirror = "http://lock.test", snapshot = "20261120T000000Z")
    public = {
        "archive": ["http://archive.test", "http://a.test"],
        "ports": ["http://ports.test"],
        "snapshot": "http://snapshot.test/u",
    }
    for given, own, own_arch, arch, want in _MIRRORS:
        rest = public["archive" if arch == "amd64" else "ports"] + ["http://snapshot.test/u/20261120T000000Z"]
        found = ubuntu_mirrors(given, own, own_arch, lock, arch, public)
        asserts.equals(env, want + [mirror for mirror in rest if mirror not in want], found)
    return unittest.end(env)

def _apt_test_impl(ctx):
    env = unittest.begin(ctx)
    text = "\n".join([
        "'{}/dists/{}/InRelease' f 0 ".format(root, suite)
        for root, suite in [
            ("http://a.test/ubuntu", "noble"),
            ("http://a.test/ubuntu/", "noble-updates"),
            ("http://s.test/ubuntu", "noble-security"),
            ("http://d.test/debian", "trixie"),
            ("http://v.test/apt", "noble-vendor"),
            ("mirror+file:/etc/m.list", "noble"),
        ]
    ] + ["'http://a.test/ubuntu/dists/noble/main/binary-amd64/Packages.xz' f 0", "E: some error"])
    asserts.equals(env, ["http://a.test/ubuntu"], parse_ubuntu_apt_uris(text, ["noble"]))
    asserts.equals(env, [], parse_ubuntu_apt_uris(text, ["jammy"]))
    return unittest.end(env)

_CATALOG = {
    "platforms": {"amd64": {"debian": "amd64"}, "armv7": {"debian": "armhf"}},
    "suites": {"trixie": {"platforms": ["amd64"]}},
    "ubuntu": {"suites": {
        "jammy": {"platforms": ["amd64", "armv7"]},
        "noble": {"platforms": ["amd64", "armv7"]},
    }},
    "variants": {"default": {"suites": ["trixie"]}, "slim": {"layers": ["base"], "suites": ["trixie"]}},
    "versions": {"3.14.7": {}},
}

# What is locked for images and for the build -> the platforms of the suites that can be built.
_BOTH = {"amd64": [], "armhf": []}
_LOCKED = [
    ({"trixie": {"amd64": ["base"]}}, {"trixie": {"amd64": []}}, {}),
    ({"noble": {"amd64": []}}, {"noble": {"amd64": []}}, {"noble": ["amd64"]}),
    ({"noble": {"amd64": []}}, {}, {}),
    # The compiler is amd64's, the sysroot the platform's own.
    ({"noble": _BOTH}, {"noble": {"armhf": []}}, {}),
    ({"noble": _BOTH}, {"noble": {"amd64": []}}, {"noble": ["amd64"]}),
    ({"noble": {"armhf": []}}, {"noble": _BOTH}, {"noble": ["armv7"]}),
    ({"jammy": _BOTH, "noble": {"amd64": []}}, {"jammy": _BOTH, "noble": _BOTH}, {"jammy": ["amd64", "armv7"], "noble": ["amd64"]}),
]

def _locked_test_impl(ctx):
    env = unittest.begin(ctx)
    for package_sets, build_sets, want in _LOCKED:
        made = ubuntu_locked(_CATALOG, package_sets, build_sets)
        found = {suite: facts["platforms"] for suite, facts in made["suites"].items()}
        asserts.equals(env, want, found)
        asserts.equals(env, {"slim": {"layers": ["base"], "suites": want.keys()}}, made["variants"])
        asserts.equals(env, _CATALOG["versions"], made["versions"])
    return unittest.end(env)

def _unlocked_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, "no packages of noble are locked for arm64.")
    asserts.expect_failure(env, "./bazelw run //tools:lock -- noble --mirror=URL --ports-mirror=URL")
    asserts.expect_failure(env, "docs/ubuntu.md says more")
    return analysistest.end(env)

_lock_test = unittest.make(_lock_test_impl)
_variable_test = unittest.make(_variable_test_impl)
_mirrors_test = unittest.make(_mirrors_test_impl)
_apt_test = unittest.make(_apt_test_impl)
_locked_test = unittest.make(_locked_test_impl)
_unlocked_test = analysistest.make(_unlocked_test_impl, expect_failure = True)

def ubuntu_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unlocked(
        name = name + "_unlocked",
        options = "--mirror=URL --ports-mirror=URL",
        page = "docs/ubuntu.md",
        platform = "arm64",
        release = "noble",
        tags = ["manual"],
    )
    _unlocked_test(
        name = name + "_unlocked_test",
        target_under_test = name + "_unlocked",
    )
    unittest.suite(name, _lock_test, _variable_test, _mirrors_test, _apt_test, _locked_test)
