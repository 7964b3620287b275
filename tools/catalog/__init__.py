"""The catalog: what is built and published, as data, and the library that reads it."""
