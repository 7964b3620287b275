%shebang%
# Start-up of a py_binary or py_test with the pinned interpreter; takes the place of the default
# template, which is itself a Python script and would need a python3 on the machine.
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

# Which words Bazel has put in tells which rules made this: Bazel's own give the interpreter, the
# program and its import path; rules_python 1.x gives its own second stage, which sees to the path.
python='%python_binary%'
main='%main%'
stage2='%stage2_bootstrap%'
case $stage2 in
    %*)
        path=$runfiles/%workspace_name%
        imports='%imports%'
        while [ -n "$imports" ]; do
            path=$path:$runfiles/${imports%%:*}
            case $imports in
                *:*) imports=${imports#*:} ;;
                *) imports= ;;
            esac
        done
        export PYTHONPATH="$path${PYTHONPATH:+:$PYTHONPATH}"
        ;;
    *)
        python='%python_binary_actual%'
        main=$stage2
        ;;
esac
# Safe path: the script's own folder is not searched. Fixed hash seed: no output may hang on it.
export PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
exec "$runfiles/$python" "$runfiles/$main" "$@"
