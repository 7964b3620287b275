"""The flags of newer Bazels, as flags.yaml and .bazelrc have them, and as a Bazel knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CONFIG = "bazel-next"
_FACTS = Path(__file__).with_name("flags.yaml")
# A line of `bazel help build --long`: "  --[no]name (a boolean; default: "false")".
_HELP = re.compile(r'^  --(?P<no>\[no\])?(?P<name>\w+) \(.*default: "(?P<default>[^"]*)"\)$', re.M)


def facts() -> Mapping[str, list[dict[str, Any]]]:
    """Return flags.yaml: what is set, and what is left out."""
    loaded: Mapping[str, list[dict[str, Any]]] = yaml.safe_load(_FACTS.read_text())
    return loaded


def name(flag: str) -> str:
    """Return a flag's name: `--nofoo`, `--foo` and `--foo=bar` are all foo."""
    word = flag.removeprefix("--").partition("=")[0]
    return word.removeprefix("no") if word.startswith(("noenable", "noincompatible")) else word


def configured(bazelrc: str, config: str = CONFIG) -> list[str]:
    """Return the flags of a --config in the text of a .bazelrc, in its order."""
    found = re.findall(rf"^(?:common|build|test):{config}((?: --\S+)+)$", bazelrc, re.M)
    return [flag for line in found for flag in line.split()]


def known(help_text: str) -> dict[str, str]:
    """Return name and default of each flag with a default in `bazel help build --long`."""
    return {m["name"]: m["default"] for m in _HELP.finditer(help_text)}


def undecided(help_text: str) -> list[str]:
    """Return the incompatible flags that a Bazel has off, by its help, and flags.yaml lacks."""
    decided = {name(entry["flag"]) for entries in facts().values() for entry in entries}
    off = {
        flag
        for flag, default in known(help_text).items()
        if flag.startswith("incompatible_") and default in ("false", "")
    }
    return sorted(off - decided)
