"""The one exception a user of the registry client meets."""


class RegistryError(Exception):
    """A registry refused, can't be reached, or was named wrongly; one sentence with the remedy."""
