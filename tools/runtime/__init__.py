"""An image's CPython as a folder that programs of the build machine run on."""
