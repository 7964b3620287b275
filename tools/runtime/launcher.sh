#!/bin/sh
# Starts the CPython of an image through that image's own dynamic linker and libraries, so that it
# runs whatever the machine has.
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
root=${self%/usr/local/bin/*}
exec "$root/lib/%loader%" --inhibit-cache --argv0 "$self" \
    --library-path "$root/usr/local/lib:$root/lib" "$root/usr/local/libexec/python" "$@"
