"""Root file systems of Debian and Ubuntu, out of .deb files."""
