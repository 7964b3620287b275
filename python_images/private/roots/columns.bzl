"""What values of a lock file may look like, whichever the packages' format.

They become URLs, names of files and lines of BUILD files. The Python that writes locks checks more
(tools/lockfile); what would lead elsewhere is refused here as well, since a lock may be anybody's.
"""

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_HEX = "abcdef" + _DIGITS
_ALPHANUMERIC = _LOWER + _LOWER.upper() + _DIGITS

# Of URLs; no blanks, quotes, backslashes, and nothing that begins a query or a fragment.
_URL = _ALPHANUMERIC + "-._~:/[]@!$&()*+,;=%"

def _made_of(text, first, rest):
    """Whether a text isn't empty, begins with one of `first` and has none but those of `rest`."""
    return bool(text) and text[0] in first and not text.strip(rest)

def is_word(text):
    """Whether it's a name of lower case letters, digits and _: of a suite, an architecture, a set."""
    return _made_of(text, _LOWER + _DIGITS, _LOWER + _DIGITS + "_-.")

def is_set(text):
    """Whether it's the name of a package set, and so of a target."""
    return _made_of(text, _LOWER, _LOWER + _DIGITS + "_")

def is_name(text):
    """Whether it's the name of a package."""
    return _made_of(text, _ALPHANUMERIC, _ALPHANUMERIC + "+._-")

def is_version(text):
    """Whether it's the version of a package."""
    return _made_of(text, _DIGITS, _ALPHANUMERIC + "+.:~_-")

def is_sha256(text):
    """Whether it's a SHA-256 in hexadecimal digits."""
    return len(text) == 64 and not text.strip(_HEX)

def is_size(text):
    """Whether it's a number of bytes."""
    return len(text) <= 15 and _made_of(text, _DIGITS, _DIGITS)

def is_time(text):
    """Whether it's a time, YYYYMMDDTHHMMSSZ."""
    return len(text) == 16 and text[8] == "T" and text[15] == "Z" and (text[:8] + text[9:15]).isdigit()

def is_url(text):
    """Whether it's a URL of a mirror."""
    return text.startswith(("http://", "https://", "file://")) and not text.strip(_URL)

def is_path(text, extension):
    """Whether it's a file's path on a mirror: relative, without .., in which nothing is to be quoted.

    Args:
      text: the path.
      extension: what it ends in, such as .deb.
    """
    return text.endswith(extension) and "/" in text and all([
        _made_of(part, _ALPHANUMERIC, _ALPHANUMERIC + "+.~_-")
        for part in text.split("/")
    ])

def package_fault(checks, sets):
    """What is wrong with a package's line, or None.

    Args:
      checks: list of (column, value, whether it is what it has to be).
      sets: the last column: the names of sets, each with what the package is to it.

    Returns:
      a string, or None.
    """
    for column, value, right in checks:
        if not right:
            return "{} is no {}".format(repr(value), column)
    for item in sets.split(","):
        set, _, how = item.partition("=")
        if not is_set(set) or how not in ("requested", "dependency"):
            return "{} is no package set's role".format(repr(item))
    return None

def roles(sets):
    """The last column as a dict: name of a package set -> "requested" or "dependency"."""
    return {item.partition("=")[0]: item.partition("=")[2] for item in sets.split(",")}
