"""`bazel run` of an oci_load target: streams the image into the container engine at hand."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.oci.assembler import archive
from tools.oci.assembler.assemble import lines_of
from tools.oci.assembler.spec import OciError

ENGINES = ("docker", "podman", "nerdctl")


def find_engine() -> str:
    """Return the path of the first container engine on PATH."""
    for name in ENGINES:
        if found := shutil.which(name):
            return found
    raise OciError(
        f"no container engine on PATH (looked for {', '.join(ENGINES)}); install one, or"
        " set the loader attribute to a program that takes `load --input FILE`"
    )


def load(image: Path, form: str, tags: list[str], loader: str | None, extra: list[str]) -> int:
    """Stream the archive to the engine; return its exit status. Nothing is written to disk here.

    An engine found on PATH reads standard input; a `loader` of the user's is given
    `load --input /dev/fd/N`.
    """
    reader, writer = os.pipe()
    if loader:
        command = [loader, "load", "--input", f"/dev/fd/{reader}", *extra]
        process = subprocess.Popen(command, pass_fds=[reader])
    else:
        process = subprocess.Popen([find_engine(), "load", *extra], stdin=reader)
    os.close(reader)
    try:
        with os.fdopen(writer, "wb") as out:
            archive.write(image, form, tags, out)
    except BrokenPipeError:
        # The engine stopped reading; its own message and status say why.
        return process.wait() or 1
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process.wait()


def main(argv: list[str] | None = None) -> int:
    """Command line; further arguments go to the engine's `load`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--format", choices=archive.FORMATS, required=True)
    parser.add_argument("--tags", type=Path, required=True)
    parser.add_argument("--loader")
    args, extra = parser.parse_known_args(argv)
    try:
        return load(args.image, args.format, lines_of(args.tags), args.loader, extra)
    except (OciError, OSError) as error:
        print(f"oci load: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
