"""Push images (OCI layouts) to a repository: blobs, then manifests, then indexes, then tags.

The order keeps what others pull whole: a tag is set when all it leads to is there. What the
repository has already is not sent again, and not even looked at: a layer that only a cache has is
fetched when the registry turns out to lack it.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from tools.cli import program, usage
from tools.cli.transfer import Transfer, megabytes
from tools.oci.assembler import layers
from tools.oci.assembler.layout import Layout, blob_name
from tools.oci.assembler.spec import BASE_NAME, INDEX_TYPES, Json, OciError, base_of, read_text
from tools.oci.registry.client import Client
from tools.oci.registry.reference import (
    Repository,
    check_path,
    check_tag,
    is_path,
    parse_repository,
)
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport
from tools.oci.registry.upload import upload

JOBS: Final = 4
# Layers that no registry need have: whoever pulls the image gets them by their URLs.
_NONDISTRIBUTABLE: Final = "application/vnd.oci.image.layer.nondistributable.v1."
_TARGET: Final = "//tools/oci/registry:push"
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Image:
    """An image or index to push: its layout and the tags it gets."""

    layout: Layout
    tags: tuple[str, ...] = ()


@dataclasses.dataclass
class Summary:
    """What a push did: digests of blobs and manifests sent, tags set, and what was there.

    `mounted` are the blobs the registry took over from another of its repositories.
    """

    blobs: list[str] = dataclasses.field(default_factory=list)
    sent: int = 0
    mounted: list[str] = dataclasses.field(default_factory=list)
    manifests: list[str] = dataclasses.field(default_factory=list)
    tags: list[str] = dataclasses.field(default_factory=list)
    present: int = 0

    def __str__(self) -> str:
        """Return one line for people."""
        mounted = f", mounted {len(self.mounted)}" if self.mounted else ""
        return (
            f"sent {len(self.blobs)} blobs ({megabytes(self.sent)}){mounted}, {len(self.manifests)}"
            f" manifests and {len(self.tags)} tags; {self.present} were there already"
        )


@dataclasses.dataclass
class Plan:
    """All that images consist of, each thing once."""

    layouts: list[Layout] = dataclasses.field(default_factory=list)
    # Digest to size in bytes.
    blobs: dict[str, int] = dataclasses.field(default_factory=dict)
    # Of them, those that stay in a registry: digest to their image.
    base: dict[str, str] = dataclasses.field(default_factory=dict)
    # (descriptor, file), images before the indexes that name them.
    manifests: dict[str, tuple[Json, Path]] = dataclasses.field(default_factory=dict)

    def add(self, layout: Layout) -> None:
        """Add the images of a layout, and what they consist of."""
        self.layouts.append(layout)
        for entry, manifest in layout.images():
            for blob in (manifest["config"], *manifest["layers"]):
                if name := base_of(blob):
                    if blob["mediaType"].startswith(_NONDISTRIBUTABLE) and blob.get("urls"):
                        continue
                    self.base[blob["digest"]] = name
                path = layout.path / blob_name(blob["digest"])
                if path.is_file() and path.stat().st_size != blob["size"]:
                    raise OciError(f"{path}: not the {blob['size']} bytes its descriptor says")
                self.blobs[blob["digest"]] = blob["size"]
            self.manifests[entry["digest"]] = (entry, layout.blob(entry["digest"]))

    def add_index(self, layout: Layout) -> None:
        """Add the index of a layout, if it has one."""
        root = layout.root()
        if root["mediaType"] in INDEX_TYPES:
            self.manifests[root["digest"]] = (root, layout.blob(root["digest"]))


@dataclasses.dataclass(frozen=True)
class Options:
    """How to push: blobs sent at once, where layers are built, repositories to mount blobs from."""

    jobs: int = JOBS
    build: layers.Build = dataclasses.field(default_factory=lambda: layers.builder(None))
    mount_from: Sequence[str] = ()


def plan_of(images: Sequence[Image]) -> Plan:
    """Return all that the images consist of. Raises OciError."""
    plan = Plan()
    for image in images:
        plan.add(image.layout)
    for image in images:
        plan.add_index(image.layout)
    return plan


def push(
    client: Client, images: Sequence[Image], progress: Transfer, options: Options | None = None
) -> Summary:
    """Push the images to the client's repository, blobs they share once.

    The first failure stops everything (RegistryError): no manifest is sent unless all blobs are
    there, no tag is set unless all manifests are. Pushing again goes on from there.
    """
    options = options or Options()
    plan, summary = plan_of(images), Summary()
    _push_blobs(client, plan, summary, progress, options)
    for digest, (entry, path) in plan.manifests.items():
        if client.manifest_digest(digest, entry["mediaType"]) == digest:
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
    client: Client, plan: Plan, summary: Summary, progress: Transfer, options: Options
) -> None:
    # Large ones first: the last to end is then a small one.
    order = sorted(plan.blobs, key=lambda digest: (-plan.blobs[digest], digest))

    def ask(digest: str) -> str:
        if client.has_blob(digest):
            return "present"
        if any(client.mount(digest, source) for source in options.mount_from):
            return "mounted"
        return "missing"

    states = dict(_each(ask, order, options.jobs))
    summary.present += sum(state == "present" for state in states.values())
    summary.mounted = [digest for digest in order if states[digest] == "mounted"]
    missing = {digest: plan.blobs[digest] for digest in order if states[digest] == "missing"}
    for digest in missing:
        if name := plan.base.get(digest):
            raise RegistryError(
                f"{client.repository}: its registry lacks layer {digest} of {name}; copy that image"
                " into it (skopeo copy), and name its repository there with --mount-from"
                " unless it is of the same name"
            )
    # Only now, and only these: layers that a cache has and the registry, too, stay there.
    files = layers.locate(plan.layouts, missing, options.build)
    progress.expect(sum(missing.values()))

    def send(digest: str) -> None:
        upload(client, digest, files[digest], missing[digest], progress.advance)
        progress.line(f"pushed {digest} ({megabytes(missing[digest])})")

    for digest, _ in _each(send, list(missing), options.jobs):
        summary.blobs.append(digest)
        summary.sent += missing[digest]


def _each(
    work: Callable[[str], Result], digests: list[str], jobs: int
) -> Iterator[tuple[str, Result]]:
    """Do the work for all digests, some at once; the first failure stops the rest."""
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        running = {pool.submit(work, digest): digest for digest in digests}
        for future in concurrent.futures.as_completed(running):
            yield running[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def mount_sources(asked: Sequence[str], images: Sequence[Image], target: Repository) -> list[str]:
    """Return paths of repositories of the target's registry that may have blobs of the images.

    Those asked for, and where the images' annotations say that their base image is.
    """
    found = [check_path(path) for path in asked]
    for image in images:
        for _, manifest in image.layout.images():
            base = (manifest.get("annotations") or {}).get(BASE_NAME, "")
            host, _, rest = base.partition("@")[0].partition("/")
            path = re.sub(r":[^/]*$", "", rest)
            if host == target.host and is_path(path):
                found.append(path)
            # These names are without a host: any registry may have the image.
            names = [re.sub(r":[^/]*$", "", base_of(blob)) for blob in manifest["layers"]]
            found += [name for name in names if is_path(name)]
    return [path for path in dict.fromkeys(found) if path != target.path]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all programs that push have."""
    parser.add_argument(
        "--insecure", action="store_true", help="don't check certificates; allow plain HTTP"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="tell of every retry")
    parser.add_argument("--jobs", type=int, default=JOBS, help="blobs sent at once")
    parser.add_argument(
        "--mount-from",
        action="append",
        default=[],
        metavar="PATH",
        help="another repository of this registry, which may have some of the blobs",
    )
    layers.add_options(parser)


def push_to(
    target: Repository,
    images: Sequence[Image],
    progress: Transfer,
    args: argparse.Namespace,
    build: layers.Build | None = None,
) -> Summary:
    """Connect to the target's registry and push the images as the command line's `args` say.

    `build` is what builds layers that only a cache has; by default it is `args.bazel`.
    """
    sources = mount_sources(args.mount_from, images, target)
    log = progress.line if args.verbose else lambda _line: None
    transport = Transport(target, insecure=args.insecure, log=log)
    transport.connect()
    options = Options(max(args.jobs, 1), build or layers.builder(args.bazel), sources)
    return push(Client(transport), images, progress, options)


def _words_of(path: Path | None) -> list[str]:
    return read_text(path).split() if path else []


def main(argv: list[str] | None = None) -> int:
    """Push one layout; 1 and a single line where that can't be done."""
    parser = usage.parser(
        "Push an image to a registry.", ["--repository HOST/PATH --tag TAG"], _TARGET
    )
    given = usage.made_by_a_rule()
    parser.add_argument(
        "--image",
        type=Path,
        required=True,
        help=argparse.SUPPRESS if given else "the OCI layout to push",
    )
    parser.add_argument("--repository-file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tags-file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-r", "--repository", help="where to: HOST[:PORT]/PATH")
    parser.add_argument("-t", "--tag", action="append", default=[], help="a further tag")
    add_options(parser)
    args = parser.parse_args(argv)
    again = "pushing again goes on from here"
    return program.run(lambda: _push_one(args), "push", (RegistryError, OciError), again)


def _push_one(args: argparse.Namespace) -> int:
    """Push the layout of a command line."""
    repository = args.repository or "".join(_words_of(args.repository_file))
    if not repository:
        raise RegistryError("no repository is set; pass --repository HOST[:PORT]/PATH")
    target = parse_repository(repository)
    tags = [check_tag(tag) for tag in (*args.tag, *_words_of(args.tags_file))]
    layout = Layout(args.image)
    with Transfer() as progress:
        summary = push_to(target, [Image(layout, tuple(tags))], progress, args)
        progress.line(str(summary))
    print(f"{target}@{layout.root()['digest']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
