"""Dockerfiles of published images, and the fragments they're made of."""
