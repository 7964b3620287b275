"""Settings Debian's container images have on top of a plain installation.

They're those of debuerreotype, the program those images are made with: no services are started,
apt keeps nothing it doesn't need, dpkg doesn't wait for the disk.
"""

from __future__ import annotations

from tools.rootfs.debian import slim
from tools.rootfs.debian.apt_sources import source_files
from tools.rootfs.debian.system import System

_SOURCE = "container settings"
_CLEAN = (
    "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb "
    "/var/cache/apt/*.bin || true"
)
_APT = {
    "docker-autoremove-suggests": """\
# What is only suggested by an installed package doesn't keep a package installed.
Apt::AutoRemove::SuggestsImportant "false";
""",
    "docker-clean": f"""\
# An image layer keeps what apt leaves behind: remove its caches after every run.
DPkg::Post-Invoke {{ "{_CLEAN}"; }};
APT::Update::Post-Invoke {{ "{_CLEAN}"; }};

Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
""",
    "docker-gzip-indexes": """\
# Package indexes stay compressed.
Acquire::GzipIndexes "true";
""",
    "docker-no-languages": """\
# No translated package descriptions.
Acquire::Languages "none";
""",
}
_POLICY_RC_D = """\
#!/bin/sh

# Nothing runs while an image is built: refuse to start services.

exit 101
"""
_SPEEDUP = """\
# A build that is interrupted starts again: no need to wait for the disk.

force-unsafe-io
"""


def configure(system: System) -> None:
    """Apply the settings; with the slim variant, also deletes what it leaves out."""
    tree = system.tree
    tree.put("usr/sbin/policy-rc.d", _POLICY_RC_D, source=_SOURCE, mode=0o755)
    tree.put("etc/dpkg/dpkg.cfg.d/docker-apt-speedup", _SPEEDUP, source=_SOURCE)
    for name, text in _APT.items():
        tree.put(f"etc/apt/apt.conf.d/{name}", text, source=_SOURCE)
    for name, text in source_files(system).items():
        tree.put(name, text, source=_SOURCE)
    # apt makes these again when it needs them.
    for path in ("var/cache/apt", "var/lib/apt/lists"):
        for name in tree.children(path):
            tree.remove(f"{path}/{name}")
    if system.slim:
        slim.delete(tree)
        tree.put("etc/dpkg/dpkg.cfg.d/docker", slim.dpkg_config(), source=_SOURCE)
