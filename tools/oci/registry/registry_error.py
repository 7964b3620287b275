"""The one exception a user of the registry client meets."""

from tools.net.net_errors import NetError


class RegistryError(NetError):
    """A registry refused, can't be reached, or was named wrongly; one sentence with the remedy."""
