"""Loads images into container engines, as little of them as the engine needs; standard library."""
