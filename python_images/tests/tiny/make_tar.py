"""Write a small layer for the test images: make_tar.py OUT PATH=CONTENT..."""

import io
import sys
import tarfile


def main(out: str, *files: str) -> None:
    """Write the tar `out` with each of the files and their folders, all of root's and of 1970."""
    folders: list[str] = []
    with tarfile.open(out, "w", format=tarfile.GNU_FORMAT) as tar:
        for file in files:
            path, _, content = file.partition("=")
            *parents, _ = path.split("/")
            for depth in range(1, len(parents) + 1):
                folder = tarfile.TarInfo("/".join(parents[:depth]))
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                if folder.name not in folders:
                    folders.append(folder.name)
                    tar.addfile(folder)
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
