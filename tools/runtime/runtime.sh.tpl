#!/bin/sh
# Starts the CPython in the folder beside this script, or beside what it is a link to.
self=$0
[ -d "${self%/*}/%root%" ] || self=$(readlink -f "$0")
exec "${self%/*}/%root%/usr/local/bin/python3" "$@"
