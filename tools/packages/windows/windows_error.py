"""The one exception of this package."""


class WindowsError(Exception):
    """Something is wrong with an input; one sentence that names it, what is wrong, the remedy."""
