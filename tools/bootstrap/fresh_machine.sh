#!/bin/bash
# Runs commands in this checkout on a fresh Debian 12: a new root file system with git, curl,
# python3 and nothing else, an ordinary user, empty caches.
#
#   sudo tools/bootstrap/fresh_machine.sh [--suite SUITE] [--keep DIR] ['COMMAND' ...]
#
# Without commands: provision Bazel, run it again, build and test something small. DIR keeps the
# machine: a second call with it goes on with the caches as they are. Needs root (for debootstrap
# and mounts) and the packages debootstrap and python3. The fresh machine has this one's network:
# its resolv.conf, its apt configuration and its certificate authorities.
set -euo pipefail

suite=bookworm keep=
while [[ ${1-} == --* ]]; do
    case $1 in
    --suite) suite=$2 ;;
    --keep) keep=$2 ;;
    *) echo "usage: $0 [--suite SUITE] [--keep DIR] ['COMMAND' ...]" >&2 && exit 2 ;;
    esac
    shift 2
done
if [[ $# == 0 ]]; then
    set -- 'time ./bazelw version' \
        'time ./bazelw --version' \
        './bazelw --bazelw-where' \
        './bazelw build --nobuild //...' \
        './bazelw test //tools/bootstrap:all'
fi
[[ $(id -u) == 0 ]] || { echo "$0: needs root" >&2 && exit 2; }
command -v debootstrap >/dev/null || { echo "$0: needs the package debootstrap" >&2 && exit 2; }

checkout=$(git -C "$(dirname "$(readlink -f "$0")")" rev-parse --show-toplevel)
machine=${keep:-$(mktemp -d /var/tmp/fresh-machine.XXXXXX)}
mkdir -p "$machine"
chmod 755 "$machine" # it becomes /, which mktemp makes for root alone
cleanup() {
    [[ -n $keep ]] || rm -rf --one-file-system "$machine"
}
trap cleanup EXIT

if [[ ! -e $machine/home/user/checkout ]]; then
    mirror=$(cd "$checkout" && python3 -c '
from tools.bootstrap.apt_sources import host_sources, mirrors
import os
print(mirrors(host_sources(), os.environ.get("DEBIAN_MIRROR", ""))[0].uri)')
    echo "== debootstrap $suite"
    debootstrap --variant=minbase --include=git,curl,python3,ca-certificates \
        "$suite" "$machine" "$mirror" >"$machine.log" 2>&1 || { tail "$machine.log" >&2 && exit 1; }
    rm "$machine.log"
    printf 'deb %s %s main\n' "$mirror" "$suite" >"$machine/etc/apt/sources.list"
    apt-config dump | grep -E '^Acquire::(https?|Check-Date|Check-Valid-Until)' \
        >"$machine/etc/apt/apt.conf.d/99network" || true
    cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
    cp /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/ca-certificates.crt"
    chroot "$machine" useradd --create-home --shell /bin/bash user
    mkdir "$machine/home/user/checkout"
    (cd "$checkout" && git ls-files -z --cached --others --exclude-standard |
        tar -c --null --no-unquote --ignore-failed-read -T - 2>/dev/null) |
        tar -x -C "$machine/home/user/checkout"
    # As git clone would leave it; the history is of no use here.
    chroot "$machine" chown -R user:user /home/user
    chroot "$machine" setpriv --reuid user --regid user --init-groups env HOME=/home/user \
        git -C /home/user/checkout -c init.defaultBranch=main init -q
fi

# Not chroot: in a chroot the kernel refuses user namespaces, which Bazel's sandbox is made of.
run() {
    unshare --mount --pid --fork --kill-child bash -ec '
        mount --make-rprivate /
        mount --rbind "$0" "$0"
        cd "$0"
        mount -t proc proc proc
        mount --rbind /sys sys
        mount --rbind /dev dev
        mount -t tmpfs -o mode=1777 tmpfs tmp
        pivot_root . mnt
        umount -l /mnt
        cd /home/user/checkout
        exec setpriv --reuid user --regid user --init-groups \
            env -i HOME=/home/user USER=user PATH=/usr/bin:/bin TERM=dumb bash -c "$1"
    ' "$machine" "$1"
}

for command in "$@"; do
    echo "== $command"
    run "$command"
done
