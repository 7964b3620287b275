"""Prints a build matrix of a family's images: a job per image and architecture, or per platform."""

from __future__ import annotations

import sys

from tools.catalog import family_options, load, target_names, yamlfile
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Entry, Family
from tools.catalog.model import Catalog
from tools.cli import command


def _runner(entry: Entry, architecture: str) -> str:
    """GitHub's hosted runner that builds the architecture, natively where there is one."""
    if entry.constraint is not None:
        return "windows-" + entry.constraint.rpartition("-")[2].removeprefix("ltsc")
    return "ubuntu-24.04-arm" if architecture.startswith("arm64") else "ubuntu-24.04"


def jobs(family: Family, catalog: Catalog | None = None) -> list[dict[str, str]]:
    """A job per image and architecture, in the family's order.

    With the catalog it's built from, a job also has the Bazel ``target`` that builds it.
    """
    targets = (
        {}
        if catalog is None
        else {platform.docker: platform.name for platform in catalog.platforms.values()}
    )
    made: list[dict[str, str]] = []
    for entry in family.published():
        for architecture in entry.architectures:
            job = {
                "image": entry.name,
                "architecture": architecture,
                "platform": family.pages[architecture].platform,
                "directory": entry.directory,
                "tags": " ".join((*entry.tags, *entry.shared_tags)),
                "runner": _runner(entry, architecture),
            }
            if architecture in targets:
                name = target_names.image(entry.name, targets[architecture])
                job["target"] = f"//images:{name}"
            made.append(job)
    return made


def platform_jobs(catalog: Catalog) -> list[dict[str, str]]:
    """A job per platform that has images: those of the Bazel build, few enough for any CI.

    ``tests`` is the suite with all there is for the platform; ``images`` says how many that are.
    """
    counts = dict.fromkeys(catalog.platforms, 0)
    for image in catalog.images():
        for name in image.platforms:
            counts[name] += 1
    return [
        {"platform": name, "images": str(count), "tests": f"//tests:matrix_{name}"}
        for name, count in counts.items()
        if count
    ]


def github(made: list[dict[str, str]]) -> dict[str, object]:
    """For ``strategy: matrix: ${{ fromJSON(...) }}``."""
    return {"include": made}


def gitlab(made: list[dict[str, str]]) -> dict[str, object]:
    """For ``parallel:``; the keys become variables, so they're in capitals."""
    return {"matrix": [{key.upper(): value for key, value in job.items()} for job in made]}


def _only(family: Family, made: list[dict[str, str]], architecture: str) -> list[dict[str, str]]:
    """The jobs of one architecture.

    Raises:
        CatalogError: no image of the family is for it.
    """
    found = [job for job in made if job["architecture"] == architecture]
    if not found:
        raise CatalogError(
            f"catalog/families/{family.name}.yaml",
            None,
            "",
            f"no image is for architecture {architecture!r}",
            yamlfile.near(architecture, sorted({job["architecture"] for job in made})),
        )
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "matrix",
        "Print a build matrix of a family as JSON: one job per image and architecture.",
        "current\n2026-02 --arch arm64v8\ncurrent --provider gitlab\n--by platform",
    )
    family_options.add_family(options)
    options.add_argument(
        "--provider",
        choices=("github", "gitlab"),
        default="github",
        help="whose form: an `include` for GitHub Actions, or `parallel:matrix` for GitLab CI",
    )
    options.add_argument("--arch", metavar="ARCH", help="only this architecture")
    options.add_argument(
        "--by",
        choices=("image", "platform"),
        default="image",
        help="platform: one job per platform of the Bazel build, with all its images",
    )
    command.add_output(options)
    asked = options.parse_args(arguments)

    if asked.by == "platform" and (asked.arch or asked.family not in (None, "current")):
        options.error("--by platform is of the current images alone, and has no --arch")

    def text() -> str:
        convert = {"github": github, "gitlab": gitlab}[asked.provider]
        if asked.by == "platform":
            folder = family_options.directory(asked.catalog)
            return command.as_json(convert(platform_jobs(load.load(folder, command.shown(folder)))))
        family = family_options.family(asked.family, asked.catalog)
        catalog = None
        if family.name == "current":
            folder = family_options.directory(asked.catalog)
            catalog = load.load(folder, command.shown(folder))
        made = jobs(family, catalog)
        if asked.arch is not None:
            made = _only(family, made, asked.arch)
        return command.as_json(convert(made))

    return command.run(text, asked.output)


if __name__ == "__main__":
    sys.exit(main())
