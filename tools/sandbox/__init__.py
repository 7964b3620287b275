"""Runs programs of an image in namespaces of the kernel: no daemon, no root, any platform."""
