#!/bin/sh
# Starts the pinned CPython through its own dynamic linker, so that it runs on any x86-64 Linux,
# whatever C library the machine has. -S: Debian's site.py would add the machine's own
# dist-packages to sys.path.
case $0 in
    /*) root=${0%/bin/*} ;;
    *) root=$PWD/${0%/bin/*} ;;
esac
exec "$root/lib/ld-linux-x86-64.so.2" --inhibit-cache --argv0 "$root/bin/python3" \
    --library-path "$root/lib" "$root/libexec/python" -S "$@"
