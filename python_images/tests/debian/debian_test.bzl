"""Tests of roots/debian/lock.bzl and mirrors.bzl; what fails is tested in tests/e2e."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//python_images/private/roots/debian:lock.bzl", "header_fault", "line_fault", "parse_lock", "parse_package", "relock")
load("//python_images/private/roots/debian:mirrors.bzl", "debian_mirrors", "debian_urls", "parse_apt_uris", "select_packages")
load("//python_images/private/roots/debian:own_packages.bzl", "own_command")
load("//tools/cli:commands.bzl", "renewal", "run_command")

_ADDUSER = "adduser 3.134 all pool/main/a/adduser/adduser_3.134_all.deb {} 12 base=dependency".format("a" * 64)
_TZDATA = "tzdata 1:2 all security:pool/t/tzdata_2_all.deb {} 3 base=dependency,slim=requested".format("b" * 64)
_LOCK = """\
# comment
suite bookworm
arch arm64
snapshot 20261120T000000Z
{}
{}
""".format(_ADDUSER, _TZDATA)

def _lock_test_impl(ctx):
    env = unittest.begin(ctx)
    lock = parse_lock(_LOCK, "x.lock")
    asserts.equals(env, ("bookworm", "arm64", "20261120T000000Z"), (lock.suite, lock.arch, lock.snapshot))
    asserts.equals(env, {_ADDUSER: 5, _TZDATA: 6}, lock.lines)
    asserts.equals(env, [], lock.earlier)
    earlier = parse_lock(_LOCK.replace("arch", "earlier 20261101T000000Z\nearlier 20261001T000000Z\narch", 1), "x.lock")
    asserts.equals(env, ["20261101T000000Z", "20261001T000000Z"], earlier.earlier)
    asserts.equals(env, {_ADDUSER: 7, _TZDATA: 8}, earlier.lines)
    package = parse_package(_TZDATA, "x.lock:6")
    asserts.equals(env, "security:pool/t/tzdata_2_all.deb", package.path)
    asserts.equals(env, 3, package.size)
    asserts.equals(env, {"base": "dependency", "slim": "requested"}, package.roles)
    return unittest.end(env)

# A part of a line -> what a hostile lock would have there -> the fault.
_FAULTS = {
    "12 base": {"-1 base": "\"-1\" is no size", "x base": "\"x\" is no size"},
    "3.134 all": {"3.134 ../all": "\"../all\" is no architecture", "x all": "\"x\" is no version"},
    "a" * 64: {"A" * 64: "is no SHA-256", "a" * 63: "is no SHA-256"},
    "adduser 3": {"../x 3": "\"../x\" is no package name", "\\\"x 3": "is no package name"},
    "base=dependency": {
        "base": "\"base\" is no package set's role",
        "x\",\n)=requested": "is no package set's role",
        "x/y=requested": "is no package set's role",
    },
    "pool/main/a/adduser/adduser_3.134_all.deb": {
        "/pool/x.deb": "is no path",
        "http://x.test/pool/x.deb": "is no path",
        "other:pool/x.deb": "is no path",
        "pool/../../x.deb": "is no path",
        "pool/./x.deb": "is no path",
        "pool//x.deb": "is no path",
        "pool/x.deb#y.deb": "is no path",
        "pool/x.deb?y=.deb": "is no path",
        "pool/x%2e.deb": "is no path",
        "pool/x.tar": "is no path",
        "security:pool/../x.deb": "is no path",
    },
}

def _fault_test_impl(ctx):
    env = unittest.begin(ctx)
    for line in (_ADDUSER, _TZDATA):
        asserts.equals(env, None, line_fault(line))
    for part, others in _FAULTS.items():
        for other, fault in others.items():
            found = line_fault(_ADDUSER.replace(part, other)) or ""
            asserts.true(env, fault in found, "{}: {}".format(other, found))
    asserts.equals(env, "it has 8 columns instead of 7", line_fault(_ADDUSER + " x"))
    for key, value in {
        "arch": "../x",
        "pockets": "main,x",
        "snapshot": "20261120T000000",
        "suite": "\"x\"",
    }.items():
        asserts.equals(env, "{} is no {}".format(repr(value), key), header_fault(key, value))
    return unittest.end(env)

def _select_test_impl(ctx):
    env = unittest.begin(ctx)
    lock = parse_lock(_LOCK, "x.lock")
    base = select_packages(lock, lock.lines.keys(), "x.lock", "base")
    slim = select_packages(lock, lock.lines.keys(), "x.lock", "slim")
    asserts.equals(
        env,
        [("adduser", False, "x.lock:5"), ("tzdata", False, "x.lock:6")],
        [(p.name, p.requested, p.where) for p in base.packages],
    )
    asserts.equals(env, [("tzdata", True)], [(p.name, p.requested) for p in slim.packages])
    asserts.equals(env, "20261120T000000Z", slim.snapshot)
    return unittest.end(env)

# What apt prints -> the main and the security archives in it.
_APT = {
    "": ([], []),
    "'http://a.test/debian/dists/bookworm/InRelease' f 0 ": (["http://a.test/debian"], []),
    "'http://a.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' f 0 ": ([], []),
    "'http://a.test/debian/dists/trixie-updates/InRelease' f 0 \n'http://a.test/debian/dists/trixie/InRelease' f 0": (
        ["http://a.test/debian"],
        [],
    ),
    "'http://a.test/s/dists/bookworm-security/InRelease' f 0 ": ([], ["http://a.test/s"]),
    "'http://a.test/s/dists/bullseye/updates/InRelease' f 0 ": ([], ["http://a.test/s"]),
    "'http://flat.test/repo/./InRelease' f 0 ": ([], []),
    "'http://ubuntu.test/ubuntu/dists/noble/InRelease' f 0 ": ([], []),
    "'http://vendor.test/apt/dists/sdk-bookworm/InRelease' f 0 ": ([], []),
    "'mirror+file:/etc/m.list/dists/stable/InRelease' f 0 ": (["mirror+file:/etc/m.list"], []),
    "E: some error": ([], []),
}

def _apt_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, (main, security) in _APT.items():
        found = parse_apt_uris(text)
        asserts.equals(env, main, found.main, text)
        asserts.equals(env, security, found.security, text)
    return unittest.end(env)

def _machine(environment, apt):
    """A repository context on a machine; `apt`: what its apt prints, None where there is no apt."""

    def execute(command):
        return struct(return_code = 0, stdout = apt) if command else None

    def get_child(name):
        return "file of the catalog" if name == "mirrors.json" else None

    def path(_):
        return struct(dirname = struct(get_child = get_child))

    def read(file, watch):
        return json.encode({"debian": _PUBLIC}) if (file, watch) == ("file of the catalog", "no") else None

    return struct(
        execute = execute,
        getenv = environment.get,
        path = path,
        read = read,
        which = lambda program: "/bin/" + program if apt != None else None,
    )

_PUBLIC = {
    "main": ["http://pub.test/debian"],
    "security": ["http://pub.test/sec"],
    "snapshot": "http://snap.test",
}

# The environment and what apt prints -> the user's and the machine's mirrors, and of security updates.
_MACHINES = [
    # Fedora, Arch: no apt.
    ({}, None, [], []),
    # Ubuntu: its apt has no Debian in it.
    (
        {},
        "'http://u.test/ubuntu/dists/noble/InRelease' f 0 \n'http://s.test/ubuntu/dists/noble-security/InRelease' f 0 \n",
        [],
        [],
    ),
    (
        {},
        "'http://d.test/debian/dists/trixie/InRelease' f 0 \n'http://d.test/s/dists/trixie-security/InRelease' f 0 \n",
        ["http://d.test/debian"],
        ["http://d.test/s"],
    ),
    ({"DEBIAN_MIRROR": "http://a.test/d/ file:/b"}, None, ["http://a.test/d", "file:///b"], ["http://a.test/d-security", "file:///b-security"]),
    ({"DEBIAN_MIRROR": "http://a.test/d", "DEBIAN_SECURITY_MIRROR": "http://s.test"}, "", ["http://a.test/d"], ["http://s.test"]),
]

def _machines_test_impl(ctx):
    env = unittest.begin(ctx)
    for environment, apt, main, security in _MACHINES:
        found = debian_mirrors(_machine(environment, apt))
        asserts.equals(env, (main, security), (found.main, found.security))

        # The catalog's are there on every machine.
        asserts.equals(env, (_PUBLIC["main"], _PUBLIC["security"]), (found.public_main, found.public_security))
        asserts.equals(env, "http://snap.test", found.snapshot)
    found = debian_mirrors(_machine({"DEBIAN_SNAPSHOT": "http://own.test/s/"}, None))
    asserts.equals(env, "http://own.test/s", found.snapshot)
    return unittest.end(env)

def _urls_test_impl(ctx):
    env = unittest.begin(ctx)
    time = "20261120T000000Z"
    own = debian_mirrors(_machine({"DEBIAN_MIRROR": "http://a.test/debian"}, None))
    asserts.equals(env, [
        "http://a.test/debian/pool/main/t/t.deb",
        "http://pub.test/debian/pool/main/t/t.deb",
        "http://snap.test/archive/debian/20261120T000000Z/pool/main/t/t.deb",
    ], debian_urls(own, "pool/main/t/t.deb", [time]))

    # A security update is in the main archive from the next point release on.
    asserts.equals(env, [
        "http://a.test/debian-security/pool/updates/main/t/t.deb",
        "http://a.test/debian/pool/main/t/t.deb",
        "http://pub.test/sec/pool/updates/main/t/t.deb",
        "http://pub.test/debian/pool/main/t/t.deb",
        "http://snap.test/archive/debian-security/20261120T000000Z/pool/updates/main/t/t.deb",
        "http://snap.test/archive/debian/20261120T000000Z/pool/main/t/t.deb",
    ], debian_urls(own, "security:pool/updates/main/t/t.deb", [time]))

    # What had been superseded when the lock was made, an earlier snapshot has.
    asserts.equals(env, [
        "http://snap.test/archive/debian/20261120T000000Z/pool/main/t/t.deb",
        "http://snap.test/archive/debian/20261101T000000Z/pool/main/t/t.deb",
    ], debian_urls(own, "pool/main/t/t.deb", [time, "20261101T000000Z"])[-2:])

    # Without a time there is no snapshot to name, and no URL comes twice.
    public = debian_mirrors(_machine({"DEBIAN_MIRROR": "http://pub.test/debian"}, None))
    asserts.equals(env, ["http://pub.test/debian/pool/x.xz"], debian_urls(public, "pool/x.xz"))
    return unittest.end(env)

def _messages_test_impl(ctx):
    env = unittest.begin(ctx)
    command = "./bazelw --bazelw-lock --keep --suite=trixie --arch=amd64"
    for name in ("third_party/debian/trixie_amd64.lock", "third_party/debian/trixie_amd64.lock:7"):
        asserts.true(env, relock(name).endswith(": " + command), relock(name))
    build = relock("third_party/debian/build/trixie_amd64.lock:7")
    asserts.true(env, build.endswith(": {} --build".format(command)), build)
    asserts.true(env, "debian_lock" in relock("//app:trixie_amd64.lock"))
    written = own_command("# Debian trixie\n# `./bazelw run //app:lock`\nsuite trixie\n")
    asserts.true(env, relock("//app:x.lock", written).endswith(": ./bazelw run //app:lock"))
    asserts.equals(env, None, own_command("# Debian trixie\nsuite trixie\n"))
    ubuntu = relock("third_party/ubuntu/noble_arm64.lock:7")
    asserts.true(env, ubuntu.endswith("rm third_party/ubuntu/noble_arm64.lock, then ./bazelw run //tools:lock -- noble"))

    # Another workspace has no ./bazelw, and can't change a lock of this one.
    asserts.false(env, "bazelw" in renewal(command, root = False))
    review = Label("//tools/rootfs:review")
    asserts.equals(env, "./bazelw run //tools/rootfs:review -- x", run_command(review, "x", root = True))
    asserts.true(env, run_command(review, root = False).startswith("bazel run "))
    return unittest.end(env)

_lock_test = unittest.make(_lock_test_impl)
_fault_test = unittest.make(_fault_test_impl)
_select_test = unittest.make(_select_test_impl)
_apt_test = unittest.make(_apt_test_impl)
_machines_test = unittest.make(_machines_test_impl)
_messages_test = unittest.make(_messages_test_impl)
_urls_test = unittest.make(_urls_test_impl)

def debian_test_suite(name):
    """Declares the tests.

    Args:
      name: name of the suite.
    """
    unittest.suite(name, _lock_test, _fault_test, _select_test, _apt_test, _machines_test, _messages_test, _urls_test)
