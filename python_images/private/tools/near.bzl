"""near: what somebody may have meant, for errors."""

# Of more known values only the nearest are named.
_ALL = 12
_NEAREST = 3

def _distance(one, other):
    """How many letters have to be added, removed or changed to make one string of another."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one.elems()):
        above = row
        row = [at + 1]
        for column, wanted in enumerate(other.elems()):
            row.append(min(
                above[column] + (0 if letter == wanted else 1),
                above[column + 1] + 1,
                row[column] + 1,
            ))
    return row[-1]

def near(value, known):
    """Names the known values, or of many those that are nearest to a wrong one.

    Args:
      value: what was given.
      known: list of strings, what could have been.

    Returns:
      a string, such as "known are a, b" or "did you mean 3.13-slim?".
    """
    if len(known) <= _ALL:
        return "known are " + ", ".join(known)
    found = sorted([(_distance(value, other), other) for other in known])
    return "did you mean {}?".format(" or ".join([other for _, other in found[:_NEAREST]]))
