#!/bin/sh
# Finds the runfiles of this script and starts the program in them.
set -eu
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
if [ -d "$self.runfiles" ]; then
    RUNFILES_DIR=$self.runfiles
elif [ -z "${RUNFILES_DIR:-}" ]; then
    case $self in
        # Started as a part of another program.
        *.runfiles/*) RUNFILES_DIR=${self%%.runfiles/*}.runfiles ;;
        *) RUNFILES_DIR=$(readlink -f "$self").runfiles ;;
    esac
fi
export RUNFILES_DIR
export PYTHON_IMAGES_COMMAND='%command%'
exec "$RUNFILES_DIR/%program%" %arguments% "$@"
