/*
 * launcher: start a program of an unpacked toolchain from wherever the toolchain lies.
 *
 * A Debian executable names its dynamic loader by an absolute path, so it would run with the
 * host's C library, or not at all.  Each such executable X of the toolchain is renamed X.real, and
 * a copy of this program takes its name.  The copy reads X.launch beside itself:
 *
 *     line 1    the program to execute
 *     line 2..  arguments that come before the caller's
 *
 * "%d" in a line stands for the directory of the copy, "%s" for its full path (both absolute, with
 * symbolic links resolved).  The environment is passed on unchanged.
 *
 * It is built without a C library and without headers, so it needs nothing from the host and can
 * be compiled by a toolchain that is itself not assembled yet.  x86-64 Linux only: it is the
 * execution platform, whatever the toolchain's target.
 */

typedef unsigned long word;

enum { SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_execve = 59, SYS_exit = 60, SYS_readlink = 89 };
enum { PATH_SIZE = 4096, TEXT_SIZE = 65536, MAX_ARGS = 262144, FAILURE = 127 };

static char self[PATH_SIZE + 16]; /* room for ".launch" */
static char dir[PATH_SIZE];
static char text[TEXT_SIZE];      /* the .launch file */
static char expanded[TEXT_SIZE];  /* its lines, substituted, NUL-terminated */
static char *args[MAX_ARGS];

static long call(long number, word a, word b, word c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static word length(const char *s)
{
    word n = 0;
    while (s[n])
        n++;
    return n;
}

static void say(const char *s)
{
    call(SYS_write, 2, (word)s, length(s));
}

static void fail(const char *what)
{
    say("launcher: ");
    say(self[0] ? self : "?");
    say(": ");
    say(what);
    say("\n");
    for (;;)
        call(SYS_exit, FAILURE, 0, 0);
}

/* Copies the string `from` to `to`, stopping before `end`; returns the new end of the text. */
static char *append(char *to, const char *end, const char *from)
{
    while (*from) {
        if (to == end)
            fail(".launch file expands to more than 64 KiB");
        *to++ = *from++;
    }
    return to;
}

/* The kernel puts argc, argv and envp on the stack: see _start. */
__attribute__((used)) void launch(word *stack)
{
    word argc = stack[0];
    char **argv = (char **)(stack + 1);
    char **envp = argv + argc + 1;

    long n = call(SYS_readlink, (word) "/proc/self/exe", (word)self, PATH_SIZE);
    if (n <= 0 || n >= PATH_SIZE)
        fail("can't read /proc/self/exe");
    self[n] = 0;

    word slash = 0;
    for (word i = 0; i < (word)n; i++) {
        dir[i] = self[i];
        if (self[i] == '/')
            slash = i;
    }
    dir[slash] = 0;

    char *end = append(self + n, self + sizeof self - 1, ".launch");
    *end = 0;
    long fd = call(SYS_open, (word)self, 0, 0);
    if (fd < 0)
        fail("can't open this file");
    long size = 0, got;
    while ((got = call(SYS_read, fd, (word)(text + size), TEXT_SIZE - 1 - size)) > 0)
        size += got;
    if (got < 0 || size == TEXT_SIZE - 1)
        fail("can't read this file, or it is 64 KiB or larger");
    text[size] = 0;
    self[n] = 0; /* without ".launch" again */

    word count = 0;
    char *out = expanded;
    char *const limit = expanded + TEXT_SIZE - 1;
    for (char *in = text; *in;) {
        if (count + argc + 1 >= MAX_ARGS)
            fail("too many arguments");
        args[count++] = out;
        while (*in && *in != '\n') {
            if (in[0] == '%' && (in[1] == 'd' || in[1] == 's')) {
                out = append(out, limit, in[1] == 'd' ? dir : self);
                in += 2;
            } else {
                if (out == limit)
                    fail(".launch file expands to more than 64 KiB");
                *out++ = *in++;
            }
        }
        if (out == limit)
            fail(".launch file expands to more than 64 KiB");
        *out++ = 0;
        if (*in)
            in++;
    }
    if (count == 0)
        fail("the .launch file is empty");
    for (word i = 1; i < argc; i++)
        args[count++] = argv[i];
    args[count] = 0;

    call(SYS_execve, (word)args[0], (word)args, (word)envp);
    say("launcher: can't execute ");
    say(args[0]);
    say("\n");
    fail("its program is missing or can't be executed");
}

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call launch\n");
