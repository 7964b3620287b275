"""./bazelw: becomes Bazel, after finding or provisioning it. See docs/bootstrap.md."""

from __future__ import annotations

import os
import sys

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.append(_CHECKOUT)
sys.dont_write_bytecode = True  # until there is a place for it other than the checkout

from tools.bootstrap.common import BootstrapError, cache_dir, remove, say  # noqa: E402

_HELP = """\
Usage: ./bazelw BAZEL-ARGUMENTS      run Bazel {version}
       ./bazelw --bazelw-where       say which Bazel that is, and where its parts are
       ./bazelw --bazelw-clean       remove every Bazel provisioned for you, and what was remembered
       ./bazelw --bazelw-lock [...]  renew locks of Debian packages without Bazel: for when archives
                                     dropped what Bazel needs; options are those of //tools:lock
       ./bazelw --bazelw-help        this text

With bazelisk (or bazel {version}) on PATH and the central module registry in reach, that is what
runs. Otherwise Bazel is provisioned from Debian packages into your cache directory, once.

Environment:
  BAZELW_MODE      auto (default), central (never provision) or closed (always use the provisioned)
  DEBIAN_MIRROR    the Debian mirror to provision from, instead of apt's own and public ones
  XDG_CACHE_HOME   what to use instead of ~/.cache
  SSL_CERT_FILE    the certificate bundle to trust instead of {bundle}
"""


def main(arguments: list[str]) -> list[str] | None:
    """Do what the arguments say; returns Bazel's command line if it is Bazel that is to do it."""
    with open(os.path.join(_CHECKOUT, ".bazelversion"), encoding="utf-8") as pinned:
        version = pinned.readline().strip()  # as bazelisk reads it: below stands why
    own = arguments[0] if arguments and arguments[0].startswith("--bazelw-") else ""
    if own == "--bazelw-help":
        from tools.bootstrap import truststore

        sys.stdout.write(_HELP.format(version=version, bundle=truststore.BUNDLE))
        return None
    if own not in ("", "--bazelw-lock", "--bazelw-where", "--bazelw-clean") or (
        own not in ("", "--bazelw-lock") and arguments[1:]
    ):
        raise BootstrapError(f"{' '.join(arguments)}: no such option; see ./bazelw --bazelw-help")

    cache = cache_dir()
    if os.path.isdir(cache):
        sys.pycache_prefix = os.path.join(cache, "pycache")
        sys.dont_write_bytecode = False
    if own == "--bazelw-clean":
        _clean(cache)
        return None

    if own == "--bazelw-lock":
        from tools.bootstrap import locking

        return locking.command(cache, _CHECKOUT, arguments[1:])

    from tools.bootstrap import mode

    chosen, program = mode.decide(_CHECKOUT, version, cache)
    if own == "--bazelw-where":
        _where(program, cache, version)
        return None
    if chosen == mode.CENTRAL:
        return [program, *arguments]
    return _provisioned(cache, version, arguments)


def _provisioned(cache: str, version: str, arguments: list[str]) -> list[str]:
    """The provisioned Bazel's command line, after provisioning it if need be."""
    from tools.bootstrap import launch, packages

    home = os.path.join(cache, packages.key(version))
    if launch.installed(home) is None:
        from tools.bootstrap.provision import provision

        provision(home, version)
    # A network without the central registry has no python.org either. It is a variable, not a flag,
    # so that the user's own value and --repo_env come first.
    os.environ.setdefault("PYTHON_IMAGES_SOURCES", "mirrored")
    return launch.prepare(home, _CHECKOUT, _workspace(), arguments)


def _workspace() -> str:
    """The workspace that Bazel will find from here, which may be another one that uses this."""
    directory = os.path.realpath(os.getcwd())
    while True:
        if any(
            os.path.isfile(os.path.join(directory, name)) for name in ("MODULE.bazel", "REPO.bazel")
        ):
            return directory
        if directory == os.path.dirname(directory):
            return _CHECKOUT
        directory = os.path.dirname(directory)


def _where(program: str, cache: str, version: str) -> None:
    """Print what runs and from where, without provisioning anything; program: "" in closed mode."""
    from tools.bootstrap import launch, packages

    home = os.path.join(cache, packages.key(version))
    print(f"bazel        {version}")
    print(f"mode         {'central' if program else 'closed'}")
    if program:
        print(f"program      {program}")
        return
    print(f"directory    {home}")
    complete = launch.installed(home)
    if complete is None:
        print("state        not provisioned yet")
        return
    print(f"program      {launch.program(os.path.join(home, 'root'))}")
    print(f"packages     {complete['suite']}, {complete['mirror']}")
    print("command      " + " ".join(launch.prepare(home, _CHECKOUT, _workspace(), [])))


def _clean(cache: str) -> None:
    """Remove all that was provisioned; one that is being provisioned is waited for."""
    from contextlib import nullcontext

    from tools.bootstrap.provision import lock

    if not os.path.isdir(cache):
        say(f"{cache}: nothing to remove")
        return
    for name in sorted(os.listdir(cache)):
        path = os.path.join(cache, name)
        if os.path.isdir(path):  # lock files stay: another may be waiting for one
            with lock(path) if os.path.exists(path + ".lock") else nullcontext():
                remove(path)
    say(f"removed what was in {cache}; a Bazel server that still runs from there ends when idle")


def _start() -> int:
    """Become Bazel; returns an exit status only if that is not to be."""
    try:
        command = main(sys.argv[1:])
        if command:
            sys.stderr.flush()
            os.execv(command[0], command)  # noqa: S606
    except BootstrapError as error:
        sys.stderr.write(f"bazelw: error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nbazelw: interrupted; the next run begins where this one stopped\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(_start())
