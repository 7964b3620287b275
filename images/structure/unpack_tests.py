"""unpack_tests.py SOURCE: puts Lib/test of CPython's source where `python -m test` looks.

The images come without it, as docker-library's do.
"""

import pathlib
import sys
import sysconfig
import tarfile


def main() -> None:
    """Unpack the tests."""
    target = pathlib.Path(sysconfig.get_path("stdlib"))
    with tarfile.open(sys.argv[1], "r|*") as archive:
        for member in archive:
            _, _, path = member.name.partition("/Lib/")
            if path == "test" or path.startswith("test/"):
                member.name = path
                # The first releases of 3.11 and earlier have no filters.
                if hasattr(tarfile, "data_filter"):
                    archive.extract(member, target, filter="data")
                else:
                    archive.extract(member, target)


if __name__ == "__main__":
    main()
