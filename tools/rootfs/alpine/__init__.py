"""Computes an Alpine root file system from .apk files: no root, no chroot, no script is run."""
