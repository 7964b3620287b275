"""prebuilt.json: which CPythons a registry has, and what each is compiled of.

{
  "repository": "HOST/PATH",
  "recipe": "sha256:...",             # of the module that compiled them: recipe.py
  "cpythons": {
    "<version>_<suite>_<platform>": {
      "blob": "sha256:...",           # archive.py says what is in it
      "size": 12345678,               # of the blob, bytes
      "facts": {...}                  # of the release: `facts`
    }
  }
}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.oci.assembler.spec import OciError, check_digest, parse
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registry_error import RegistryError

Json = dict[str, Any]

_NAME = re.compile(r"[0-9][0-9a-z.]*_[a-z]+_[a-z0-9]+")
# No CPython is as large; what is read is kept in memory.
_LARGEST = 1 << 30


class PrebuiltError(Exception):
    """One clear sentence for the user: which file, what is wrong, what to do."""


def facts(catalog: Mapping[str, Any], version: str) -> Json:
    """Return the facts of a release that its CPython depends on, from the exported catalog.

    `prebuilt_facts` in python_images/private/cpython/prebuilt.bzl says the same.
    """
    row = catalog["versions"][version]
    return {
        "epoch": row["epoch"],
        "free_threaded": row["free_threaded"],
        "patches": [patch["sha256"] for patch in row["patches"]],
        "release": row["release"],
        "sha256": row["sha256"],
        "wheels": {wheel: catalog["wheels"][wheel] for wheel in row["wheels"]},
    }


def _entry(value: object, where: str) -> None:
    if not isinstance(value, dict) or value.keys() != {"blob", "size", "facts"}:
        raise PrebuiltError(f"{where}: has to be an object with blob, size and facts")
    check_digest(value["blob"], where)
    size = value["size"]
    if type(size) is not int or not 0 < size <= _LARGEST:
        raise PrebuiltError(f"{where}: {size!r} is no size of a CPython in bytes")
    if not isinstance(value["facts"], dict):
        raise PrebuiltError(f"{where}: its facts are no object")


def read(path: Path, shown: str) -> Json:
    """Return the document in a file, which errors call `shown`. Raises PrebuiltError."""
    try:
        document = parse(path.read_bytes(), shown)
        if document.keys() != {"repository", "recipe", "cpythons"}:
            raise PrebuiltError(
                f"{shown}: has to have repository, recipe and cpythons, and has"
                f" {', '.join(sorted(document)) or 'nothing'};"
                " ./bazelw run //tools:prebuilt writes it"
            )
        check_digest(document["recipe"], shown)
        parse_repository(str(document["repository"]))
        if not isinstance(document["cpythons"], dict):
            raise PrebuiltError(f"{shown}: cpythons has to be an object")
        for name, value in document["cpythons"].items():
            if not _NAME.fullmatch(name):
                raise PrebuiltError(f"{shown}: {name!r} is no <version>_<suite>_<platform>")
            _entry(value, f"{shown}: {name}")
    except (OciError, RegistryError) as error:
        text = str(error)
        raise PrebuiltError(text if shown in text else f"{shown}: {text}") from None
    except OSError as error:
        raise PrebuiltError(f"{shown}: can't be read: {error.strerror}") from None
    return document


def text(document: Json) -> str:
    """Return the file's text: a CPython after the other, by name."""
    ordered = {**document, "cpythons": dict(sorted(document["cpythons"].items()))}
    return json.dumps(ordered, indent=2) + "\n"
