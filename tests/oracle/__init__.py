"""Comparisons of what is computed with what Debian's own tools make."""
