"""Measure `.load` into podman against `podman load` of a full archive, side by side.

    ./bazelw run //bench:load -- [--json FILE] [--repeat N]

As root, into a store of its own. Rows, in seconds of wall and of CPU time, the median of N.
`archive` is `podman load --input` of a `docker save` archive that lies ready; to write it takes
what the row `archive.write` says. `load` is what `bazel run` of a `.load` target does once Bazel
has built.

    first       an image of the catalog, the store empty
    upper       an image with a layer of 1 MB upon it, the store having the lower ones
    again       that image once more, the store having it

The JSON is bench.py's, with "cpu", and "megabytes": what podman is given, or lacks.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.bench import host
from bench.clock import HEAD, Series, measured
from tests.e2e.container_runtime import Runtime, container_runtime, missing
from tools.oci.assembler import archive, image, layer
from tools.oci.assembler.layout import Layout
from tools.oci.load.engine import layers_of
from tools.oci.load.engines import Podman
from tools.oci.load.load_image import load

TAG = "localhost/bench:1"


def upper_of(base: Path, folder: Path) -> Path:
    """Make an image of one more layer upon `base`: 1 MB that no compression makes smaller."""
    with tarfile.open(folder / "upper.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("upper")
        info.size = 1_000_000
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    layer.write(folder / "upper.tar", folder / "upper.json")
    source = image.LayerSource(folder / "upper.tar", folder / "upper.json", "upper")
    image.build(image.ImageSpec(base=base, layers=[source]), folder / "upper")
    return folder / "upper"


def nothing_to_build(labels: list[str]) -> None:
    """Stand in for Bazel: the layouts here are whole."""
    raise SystemExit(f"bench: {labels} should be there")


class Store:
    """Loads images into podman's store both ways."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self.folder = folder
        self.engine = Podman(shutil.which("podman") or "podman")

    def load(self, layout: Path) -> None:
        """Load the way `.load` does."""
        with contextlib.redirect_stdout(io.StringIO()):
            if load(self.engine, layout, "docker", [TAG], nothing_to_build):
                raise SystemExit("bench: podman failed; its message is above")

    def archive_of(self, layout: Path) -> Path:
        """Return where the full archive of a layout is."""
        return self.folder / f"{layout.name}.archive.tar"

    def archive(self, layout: Path) -> None:
        """Write the full archive of a layout."""
        with self.archive_of(layout).open("wb") as out:
            archive.write(layout, "docker", [TAG], out)

    def load_archive(self, layout: Path) -> None:
        """Load a full archive that lies ready."""
        self.runtime.call("podman", "load", "--input", str(self.archive_of(layout)))

    def empty(self) -> None:
        """Make the store empty."""
        self.runtime.call("podman", "rmi", "--all", "--force")

    def lacking(self, layout: Path) -> float:
        """Return the megabytes of the layers that the store lacks."""
        whole = Layout(layout)
        known = self.engine.known(whole)
        return sum(each.size for each in layers_of(whole) if each.digest not in known) / 1e6


def series(podman: Store, base: Path, upper: Path, repeat: int) -> Iterator[Series]:
    """Yield each row."""
    full = {}
    for path in (base, upper):
        podman.archive(path)
        full[path] = podman.archive_of(path).stat().st_size / 1e6
    writes = [measured(lambda: podman.archive(base)) for _ in range(repeat)]
    yield Series("archive.write", writes, full[base])
    for name, layout in (("first", base), ("upper", upper), ("again", upper)):
        rows = {way: Series(f"{name}.{way}") for way in ("archive", "load")}
        for _ in range(repeat):
            for way, work in (("archive", podman.load_archive), ("load", podman.load)):
                podman.empty()
                if name != "first":
                    podman.load(base if name == "upper" else upper)
                row = rows[way]
                row.megabytes = full[layout] if way == "archive" else podman.lacking(layout)
                row.costs.append(measured(functools.partial(work, layout)))
        yield from rows.values()


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="./bazelw run //bench:load --", description=__doc__)
    parser.add_argument("--image", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the result here, too")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    if reason := missing():
        raise SystemExit(f"bench: SKIPPED: {reason}")
    # A store of overlays can't lie on an overlay, nor its sockets below a long path.
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp") as root:
        folder = Path(root)
        os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
        os.environ["CONTAINERS_STORAGE_CONF"] = str(folder / "storage.conf")
        found: list[dict[str, Any]] = []
        with container_runtime(folder) as runtime:
            podman = Store(runtime, folder)
            base = args.image.resolve()
            print(HEAD)
            for row in series(podman, base, upper_of(base, folder), args.repeat):
                print(row.as_text(), flush=True)
                found.append(row.as_json())
    result = {"format": 1, "host": host(), "image": args.image.name, "rows": found}
    print(json.dumps(result["host"]))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
