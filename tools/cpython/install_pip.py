"""Installs pip from its own wheel; run by the build python, with the target's sysconfig data.

    python install_pip.py WHEEL ROOT PREFIX [OTHER WHEEL...]

It does what `python -m ensurepip` does after a native `make install`, without running the target:
pip and pip3.x are made, plain `pip` is not, and no byte code is compiled.
"""

import os
import runpy
import sys
from pathlib import Path


def main(wheel: str, root: str, prefix: str, *others: str) -> None:
    """Run `pip install pip` on `wheel` and `others`, into `root` + `prefix`."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.executable = f"{prefix}/bin/python{minor}"  # what the scripts' first line names
    sys.path.insert(0, wheel)
    os.environ["ENSUREPIP_OPTIONS"] = "install"  # pip itself looks for it: no plain `pip`
    os.environ["PIP_CONFIG_FILE"] = os.devnull
    os.environ["PIP_ROOT_USER_ACTION"] = "ignore"  # as an option, the oldest pips refuse it
    sys.argv = [
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--no-compile",
        "--no-deps",
        "--no-index",
        "--ignore-installed",
        "--no-warn-script-location",
        "--disable-pip-version-check",
        f"--root={root}",
        f"--prefix={prefix}",
        # Given a wheel's own path, pip would write that into the installed metadata.
        *(f"--find-links={Path(one).parent}" for one in (wheel, *others)),
        "pip",
        *("==".join(Path(other).name.split("-")[:2]) for other in others),
    ]
    runpy.run_module("pip", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
