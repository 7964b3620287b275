#!/bin/sh
# Starts %target% on the tool interpreter; toolchains/python/rules.bzl fills this in.
case $0 in
    /*) self=$0 ;;
    *) self=$PWD/$0 ;;
esac
if [ -n "${RUNFILES_DIR:-}" ] && [ -d "$RUNFILES_DIR" ] && [ ! -d "$self.runfiles" ]; then
    runfiles=$RUNFILES_DIR
elif [ -d "$self.runfiles" ]; then
    runfiles=$self.runfiles
else
    # Started from inside another program's runfiles, or through a link to the real program.
    case $self in
        *.runfiles/*) runfiles=${self%%.runfiles/*}.runfiles ;;
        *)
            target=$(readlink -f "$self")
            runfiles=$target.runfiles
            ;;
    esac
fi
if [ ! -d "$runfiles" ]; then
    echo "%target%: no runfiles at $runfiles" >&2
    exit 1
fi
export RUNFILES_DIR="$runfiles"
export PYTHONPATH="%imports%${PYTHONPATH:+:$PYTHONPATH}"
# Safe path: the script's own folder is not searched. Fixed hash seed: no output may depend on it.
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
exec "$runfiles/%python%" "$runfiles/%main%" "$@"
