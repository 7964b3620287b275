"""Listings of what is built, checked in so that a change of them is seen in review."""
