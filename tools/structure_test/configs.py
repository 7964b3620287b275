"""What is wrong with a file of tests, found before anything runs."""

import re
from pathlib import Path
from typing import Any

import yaml

# The keys of container-structure-test's schema 2.0.0 that hold tests.
_TESTS = (
    "commandTests",
    "fileContentTests",
    "fileExistenceTests",
    "licenseTests",
    "metadataTest",
)


class ConfigError(Exception):
    """A test file that can't be used."""


def check(config: Path) -> None:
    """Raise ConfigError if a placeholder is left in the file, or if it has no test.

    What is no YAML, or not as the schema wants it, container-structure-test itself reports.
    """
    text = config.read_text(encoding="utf-8")
    left = re.search(r"\{\{[A-Z_]+\}\}", text)
    if left:
        raise ConfigError(f"{config}: nothing was substituted for {left[0]}")
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    if not isinstance(document, dict) or not any(document.get(key) for key in _TESTS):
        raise ConfigError(
            f"{config}: the file has no test; add one under {', '.join(_TESTS[:-1])} or "
            f"{_TESTS[-1]}, or leave the file out of `configs`"
        )
