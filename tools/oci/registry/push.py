"""Push images (OCI layouts) to a repository: blobs, then manifests, then indexes, then tags.

The order keeps what others pull whole: a tag is set when all it leads to is there. What the
repository has already is not sent again.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import INDEX_TYPES, Json, OciError
from tools.oci.registry.client import Client
from tools.oci.registry.errors import RegistryError
from tools.oci.registry.progress import Progress, megabytes
from tools.oci.registry.reference import check_tag, parse_repository
from tools.oci.registry.transport import Transport

JOBS: Final = 4


@dataclasses.dataclass(frozen=True)
class Image:
    """An image or index to push: its layout and the tags it gets."""

    layout: Layout
    tags: tuple[str, ...] = ()


@dataclasses.dataclass
class Summary:
    """What a push did: digests of blobs and manifests sent, tags set, and what was there."""

    blobs: list[str] = dataclasses.field(default_factory=list)
    sent: int = 0
    manifests: list[str] = dataclasses.field(default_factory=list)
    tags: list[str] = dataclasses.field(default_factory=list)
    present: int = 0

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"sent {len(self.blobs)} blobs ({megabytes(self.sent)}), {len(self.manifests)}"
            f" manifests and {len(self.tags)} tags; {self.present} were there already"
        )


@dataclasses.dataclass
class _Plan:
    """All that images consist of, each thing once."""

    blobs: dict[str, tuple[Path, int]] = dataclasses.field(default_factory=dict)
    # (descriptor, file), images before the indexes that name them.
    manifests: dict[str, tuple[Json, Path]] = dataclasses.field(default_factory=dict)

    def add(self, layout: Layout) -> None:
        for entry, manifest in layout.images():
            for blob in (manifest["config"], *manifest["layers"]):
                path = layout.blob(blob["digest"])
                if path.stat().st_size != blob["size"]:
                    raise OciError(f"{path}: not the {blob['size']} bytes its descriptor says")
                self.blobs[blob["digest"]] = (path, blob["size"])
            self.manifests[entry["digest"]] = (entry, layout.blob(entry["digest"]))

    def add_index(self, layout: Layout) -> None:
        root = layout.root()
        if root["mediaType"] in INDEX_TYPES:
            self.manifests[root["digest"]] = (root, layout.blob(root["digest"]))


def push(
    client: Client, images: Sequence[Image], progress: Progress, *, jobs: int = JOBS
) -> Summary:
    """Push the images to the client's repository, blobs they share once.

    The first failure stops everything (RegistryError): no manifest is sent unless all blobs are
    there, no tag is set unless all manifests are. Pushing again goes on from there.
    """
    plan, summary = _Plan(), Summary()
    for image in images:
        plan.add(image.layout)
    for image in images:
        plan.add_index(image.layout)
    _push_blobs(client, plan, summary, progress, jobs)
    for digest, (entry, path) in plan.manifests.items():
        if client.manifest_digest(digest, entry["mediaType"]):
            summary.present += 1
            continue
        client.put_manifest(digest, entry["mediaType"], path.read_bytes())
        summary.manifests.append(digest)
    for image in images:
        root = image.layout.root()
        data = image.layout.blob(root["digest"]).read_bytes()
        for tag in dict.fromkeys(image.tags):
            if client.manifest_digest(tag, root["mediaType"]) == root["digest"]:
                summary.present += 1
                continue
            client.put_manifest(tag, root["mediaType"], data)
            summary.tags.append(tag)
    return summary


def _push_blobs(
    client: Client, plan: _Plan, summary: Summary, progress: Progress, jobs: int
) -> None:
    def push_blob(digest: str) -> bool:
        path, size = plan.blobs[digest]
        if client.has_blob(digest):
            return False
        progress.expect(size)
        client.upload(digest, path, size, progress.advance)
        progress.line(f"pushed {digest} ({megabytes(size)})")
        return True

    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        # Large ones first: the last to end is then a small one.
        order = sorted(plan.blobs, key=lambda digest: (-plan.blobs[digest][1], digest))
        running = {pool.submit(push_blob, digest): digest for digest in order}
        for future in concurrent.futures.as_completed(running):
            digest = running[future]
            if future.result():
                summary.blobs.append(digest)
                summary.sent += plan.blobs[digest][1]
            else:
                summary.present += 1
    finally:
        pool.shutdown(cancel_futures=True)


def _words_of(path: Path | None) -> list[str]:
    return path.read_text().split() if path else []


def main(argv: list[str] | None = None) -> int:
    """Push one layout; 1 and a single line where that can't be done."""
    parser = argparse.ArgumentParser(description="Push an image to a registry.", allow_abbrev=False)
    parser.add_argument("--image", type=Path, required=True, help="the OCI layout to push")
    parser.add_argument("--repository-file", type=Path, help="file with the repository")
    parser.add_argument("--tags-file", type=Path, help="file with tags, one per line")
    parser.add_argument("-r", "--repository", help="where to: HOST[:PORT]/PATH")
    parser.add_argument("-t", "--tag", action="append", default=[], help="a further tag")
    parser.add_argument(
        "--insecure", action="store_true", help="don't check certificates; allow plain HTTP"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell of every retry")
    parser.add_argument("--jobs", type=int, default=JOBS, help="blobs sent at once")
    args = parser.parse_args(argv)
    progress = Progress()
    try:
        repository = args.repository or "".join(_words_of(args.repository_file))
        if not repository:
            raise RegistryError("no repository is set; pass --repository HOST[:PORT]/PATH")
        target = parse_repository(repository)
        tags = [check_tag(tag) for tag in (*args.tag, *_words_of(args.tags_file))]
        layout = Layout(args.image)
        log = progress.line if args.verbose else lambda _line: None
        transport = Transport(target, insecure=args.insecure, log=log)
        transport.connect()
        image = Image(layout, tuple(tags))
        summary = push(Client(transport), [image], progress, jobs=max(args.jobs, 1))
        progress.line(str(summary))
        progress.close()
        print(f"{target}@{layout.root()['digest']}")
    except (RegistryError, OciError, OSError) as error:
        progress.close()
        print(f"push: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.close()
        print("push: interrupted; pushing again goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
