"""Computes a Debian root file system from .deb files: no root, no chroot, no script is run."""
