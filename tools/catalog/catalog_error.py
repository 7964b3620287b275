"""The one error every reader of the catalog raises."""

from __future__ import annotations

from tools.cli.input_error import InputError


class CatalogError(InputError):
    """A fault in a file of the catalog."""
