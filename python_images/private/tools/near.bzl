"""near: what somebody may have meant, for errors."""

# Of more known values only the nearest are named.
_ALL = 12
_NEAREST = 3

def _distance(one, other):
    """How many letters to add, remove, change or swap with the next to make one string of another."""
    row = list(range(len(other) + 1))
    above = []
    for at, letter in enumerate(one.elems()):
        twice_above = above
        above = row
        row = [at + 1]
        for column, wanted in enumerate(other.elems()):
            row.append(min(
                above[column] + (0 if letter == wanted else 1),
                above[column + 1] + 1,
                row[column] + 1,
            ))
            if at and column and letter == other[column - 1] and one[at - 1] == wanted:
                row[column + 1] = min(row[column + 1], twice_above[column - 1] + 1)
    return row[-1]

def nearest(value, known):
    """Sorts the known values, those that are nearest to a wrong one first.

    Args:
      value: what was given.
      known: list of strings, what could have been.

    Returns:
      a list of strings.
    """
    return [other for _, other in sorted([(_distance(value, other), other) for other in known])]

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
    return "did you mean {}?".format(" or ".join(nearest(value, known)[:_NEAREST]))
