"""RECIPES: how each library and program of the tests' Alpine is compiled, as data.

`source` is the archive; `commands` install into {out}, where {bin} is the folder of the tools, {gnu},
{arch} and {openssl} are the target's names for configure, Alpine and OpenSSL, {build} is another machine's,
so that configure runs no program of the target, and {loader} is the path of musl's. `needs` are
the libraries it's compiled with; `env` is added to the environment; `fields` are lines of .PKGINFO;
`scripts` those of the package, by their names; `patches` are commands that come first for some of Alpine's
architectures; `build_cc` says whether it compiles programs that run while
building, with `build-cc`; `library` whether there's a <name>-dev.
"""

_CONFIGURE = "sh ./configure --build={build} --host={gnu} --prefix=/usr --libdir=/usr/lib" + \
             " --disable-dependency-tracking"
_SHARED = _CONFIGURE + " --enable-shared --disable-static CC=gcc"
_INSTALL = "make install DESTDIR={out}"
_BUSYBOX = "make ARCH=none HOSTCC=build-cc CC=gcc AR={bin}/ar SKIP_STRIP=y"
_OPENSSL_WITHOUT = [
    "apps",
    "aria",
    "asm",
    "bf",
    "camellia",
    "cast",
    "cmp",
    "cms",
    "ct",
    "docs",
    "dsa",
    "ec2m",
    "engine",
    "gost",
    "http",
    "idea",
    "legacy",
    "md4",
    "mdc2",
    "ml-dsa",
    "ml-kem",
    "ocb",
    "quic",
    "rc2",
    "rc4",
    "seed",
    "siphash",
    "siv",
    "slh-dsa",
    "sm2",
    "sm3",
    "sm4",
    "srp",
    "tests",
    "ts",
    "whirlpool",
]
_LINKS = "#!/bin/sh\n/bin/busybox --install -s\n"

def _recipe(
        source,
        commands,
        needs = [],
        env = {},
        fields = [],
        scripts = {},
        patches = {},
        build_cc = False,
        library = True):
    return struct(
        build_cc = build_cc,
        commands = commands,
        env = env,
        fields = fields,
        library = library,
        needs = needs,
        patches = patches,
        scripts = scripts,
        source = source,
    )

RECIPES = {
    "busybox": _recipe(
        source = "@busybox_source//:source.tar.bz2",
        build_cc = True,
        commands = [
            _BUSYBOX + " defconfig",
            # tc asks for a header that Linux has no more; hashing by the CPU is known of x86 only.
            "sed -i -E 's/^CONFIG_(TC|SHA1_HWACCEL|SHA256_HWACCEL)=y/# CONFIG_\\1 is not set/'" +
            " .config",
            _BUSYBOX + " -j2 busybox busybox.links",
            "install -D -m 755 busybox {out}/bin/busybox",
            "install -D -m 644 busybox.links {out}/etc/busybox-paths.d/busybox",
            "ln -s /bin/busybox {out}/bin/sh",
        ],
        fields = ["provides = /bin/sh", "provides = cmd:sh=1-r0", "triggers = /bin /usr/bin"],
        library = False,
        scripts = {"post-install": _LINKS, "trigger": _LINKS},
    ),
    "bzip2": _recipe(
        source = "@bzip2_source//:source.tar.gz",
        commands = [
            "make -f Makefile-libbz2_so CC=gcc",
            "mkdir -p {out}/usr/include {out}/usr/lib",
            "cp bzlib.h {out}/usr/include",
            "cp libbz2.so.1.0.8 {out}/usr/lib",
            "ln -s libbz2.so.1.0.8 {out}/usr/lib/libbz2.so.1.0",
            "ln -s libbz2.so.1.0.8 {out}/usr/lib/libbz2.so",
        ],
    ),
    "gdbm": _recipe(
        source = "@gdbm_source//:source.tar.gz",
        commands = [
            _SHARED + " --enable-libgdbm-compat --disable-nls --without-readline",
            "make -j2 -C src",
            "make -j2 -C compat",
            "make -C src install DESTDIR={out}",
            "make -C compat install DESTDIR={out}",
        ],
    ),
    "libffi": _recipe(
        source = "@libffi_source//:source.tar.gz",
        commands = [
            _SHARED + " --disable-docs --disable-multi-os-directory --disable-exec-static-tramp",
            "make -j2",
            _INSTALL,
        ],
        # clang wants registers written as such in the notes for debuggers, too.
        patches = {"s390x": ["sed -i -E 's/(\\.cfi_[a-z_]+[[:space:]]+)r/\\1%r/' src/s390/sysv.S"]},
    ),
    "libuuid": _recipe(
        source = "@util_linux_source//:source.tar.xz",
        commands = [
            _SHARED + " --disable-all-programs --enable-libuuid --disable-nls",
            "make -j2",
            _INSTALL,
        ],
    ),
    # For platforms whose musl isn't in Debian's locks.
    "musl": _recipe(
        source = "@musl_source//:source.tar.gz",
        commands = [
            "sh ./configure --target={gnu} --prefix=/usr --syslibdir=/lib --disable-static",
            "make -j4 AR={bin}/ar RANLIB={bin}/ranlib",
            "make install-headers install-libs DESTDIR={out}",
            "mv -f {out}/usr/lib/libc.so {out}/{loader}",
            "ln -s ../../{loader} {out}/usr/lib/libc.so",
            "ln -s /{loader} {out}/lib/libc.musl-{arch}.so.1",
        ],
        fields = ["provides = so:libc.so=1", "provides = so:libc.musl-{arch}.so.1=1"],
        # Products of complex numbers without the function for them: soft_float.py takes it out.
        patches = {
            "armhf": ["sed -i 's/-D_XOPEN_SOURCE=700/& -fcx-limited-range/' Makefile"],
            # `br %r0` doesn't branch, and clang chooses that register for what needn't hold an address.
            "s390x": ["sed -i 's/\"r\"(pc)/\"a\"(pc)/' arch/s390x/reloc.h"],
        },
    ),
    "ncurses": _recipe(
        source = "@ncurses_source//:source.tar.gz",
        build_cc = True,
        commands = [
            _CONFIGURE + " --with-build-cc=build-cc --with-shared --without-normal --without-debug" +
            " --without-ada --without-cxx --without-cxx-binding --without-manpages --without-tests" +
            " --without-progs --enable-widec --disable-stripping --enable-pc-files" +
            " --with-pkg-config-libdir=/usr/lib/pkgconfig --with-terminfo-dirs=/etc/terminfo" +
            " --with-default-terminfo-dir=/etc/terminfo CC=gcc",
            "make -j2 libs",
            # Terminal descriptions aren't compiled: that takes ncurses' own program.
            "make install.libs install.includes DESTDIR={out}",
        ],
        fields = ["depend = ncurses-terminfo-base"],
    ),
    "openssl": _recipe(
        source = "@openssl_source//:source.tar.gz",
        commands = [
            # Its assembler programs ask perl for its own path, which is a loader's here. What Python
            # doesn't use is left out: it compiles for minutes.
            "perl Configure {openssl} --prefix=/usr --libdir=lib --openssldir=/etc/ssl shared" +
            "".join([" no-" + feature for feature in _OPENSSL_WITHOUT]),
            "make build_generated",
            # Its own targets compile everything twice, for static libraries too.
            "make -j4 libcrypto.so libssl.so" +
            " exporters/libcrypto.pc exporters/libssl.pc exporters/openssl.pc",
            "mkdir -p {out}/usr/include {out}/usr/lib/pkgconfig",
            "cp -P libcrypto.so libcrypto.so.3 libssl.so libssl.so.3 {out}/usr/lib",
            "cp exporters/libcrypto.pc exporters/libssl.pc exporters/openssl.pc" +
            " {out}/usr/lib/pkgconfig",
            "cp -R include/openssl {out}/usr/include",
        ],
        env = {"CFLAGS": "-O0"},
    ),
    "readline": _recipe(
        source = "@readline_source//:source.tar.gz",
        commands = [
            _SHARED + " --with-curses --enable-multibyte --with-shared-termcap-library",
            "make -j2 SHLIB_LIBS=-lncursesw",
            "make install DESTDIR={out} SHLIB_LIBS=-lncursesw",
        ],
        env = {"bash_cv_termcap_lib": "libncursesw"},
        needs = ["ncurses"],
    ),
    "sqlite": _recipe(
        source = "@sqlite_source//:source.tar.xz",
        build_cc = True,
        commands = [
            _SHARED + " --disable-tcl --disable-readline --enable-fts5 --enable-load-extension" +
            " BUILD_CC=build-cc TCLSH_CMD=tclsh",
            "make -j2 libsqlite3.la sqlite3.h",
            "make lib_install DESTDIR={out}",
            "install -D -m 644 sqlite3.h {out}/usr/include/sqlite3.h",
            "install -D -m 644 sqlite3.pc {out}/usr/lib/pkgconfig/sqlite3.pc",
        ],
    ),
    "xz": _recipe(
        source = "@xz_source//:source.tar.xz",
        commands = [
            _SHARED + " --disable-nls --disable-xz --disable-xzdec --disable-lzmadec" +
            " --disable-lzmainfo --disable-scripts --disable-doc",
            "make -j2",
            _INSTALL,
        ],
    ),
    "zlib": _recipe(
        source = "@zlib_source//:source.tar.gz",
        commands = ["sh ./configure --prefix=/usr", "make -j2 shared", _INSTALL],
    ),
}

# What OpenSSL calls Alpine's machines. linux-armv4 would add the assembler programs that are left out here,
# and gcc's libatomic, which clang needs for none of these CPUs.
OPENSSL_TARGETS = {
    "aarch64": "linux-aarch64",
    "armhf": "linux-generic32",
    "armv7": "linux-generic32",
    "ppc64le": "linux-ppc64le",
    "riscv64": "linux64-riscv64",
    "s390x": "linux64-s390x",
    "x86": "linux-x86",
    "x86_64": "linux-x86_64",
}
