"""Rules and the validator know the same platforms."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from tools.oci import validate

RULES = Path("python_images/private/oci/platforms.bzl")


def constants() -> dict[str, Any]:
    """Return what the file's plain assignments say, by name."""
    return {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(RULES.read_text()).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }


def test_rules_and_validator_agree() -> None:
    found = constants()
    assert set(found["ARCHITECTURES"]) == validate.ARCHITECTURES
    assert set(found["SYSTEMS"]) == validate.SYSTEMS
    assert {cpu: tuple(names) for cpu, names in found["VARIANTS"].items()} == validate.VARIANTS
