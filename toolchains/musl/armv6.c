/* What compilers leave to gcc's library on ARMv6, without a C library; says which answers are wrong. */

typedef long long i64;
typedef unsigned long long u64;

static int wrong;

static void say(const char *text)
{
    unsigned length = 0;
    while (text[length])
        length++;
    register long number __asm__("r7") = 4; /* write */
    register long result __asm__("r0") = 1;
    register const char *start __asm__("r1") = text;
    register unsigned size __asm__("r2") = length;
    __asm__ volatile("svc 0" : "+r"(result) : "r"(number), "r"(start), "r"(size) : "memory");
}

static void leave(int status)
{
    register long number __asm__("r7") = 1; /* exit */
    register long code __asm__("r0") = status;
    __asm__ volatile("svc 0" : : "r"(number), "r"(code));
    __builtin_unreachable();
}

/* gcc's library calls these when a division is by zero, or something is as it can't be. */
int raise(int signal)
{
    leave(64 + signal);
    return 0;
}

void abort(void)
{
    leave(63);
}

#define CHECK(condition)             \
    do {                             \
        if (!(condition)) {          \
            wrong = 1;               \
            say(#condition "\n");    \
        }                            \
    } while (0)

/* Volatile: else the compiler answers by itself. */
static volatile double negative = -123456789012.75;
static volatile double positive = 123456789012.75;
static volatile float single = 1e12f;
static volatile i64 odd = -9007199254740993LL;
static volatile u64 large = 0xfffffffffffff800ULL;
static volatile i64 power = 1LL << 40;
static volatile int minus_seven = -7, two = 2;
static volatile unsigned four_billion = 4000000000u, seven = 7;
static _Atomic i64 wide;
static _Atomic char narrow;

void check(void)
{
    CHECK((i64)negative == -123456789012LL);
    CHECK((u64)positive == 123456789012ULL);
    CHECK((i64)single == 999999995904LL);
    CHECK((u64)single == 999999995904ULL);
    CHECK((double)odd == -9007199254740992.0);
    CHECK((double)large == 18446744073709549568.0);
    CHECK((float)power == 1099511627776.0f);
    CHECK((float)large == 18446744073709551616.0f);
    CHECK(odd / 10 == -900719925474099LL);
    CHECK(odd % 10 == -3);
    CHECK(large / 1000 == 18446744073709549ULL);
    CHECK(large % 1000 == 568);
    CHECK(minus_seven / two == -3);
    CHECK(minus_seven % two == -1);
    CHECK(four_billion / seven == 571428571);
    CHECK(four_billion % seven == 3);
    CHECK(__builtin_popcountll(large) == 53);
    CHECK(positive * 2 + single / 4 - negative == 620370366014.25);
    CHECK(__c11_atomic_fetch_add(&wide, power, 5) == 0 && wide == power);
    CHECK(__c11_atomic_fetch_add(&narrow, 5, 5) == 0 && narrow == 5);
    leave(wrong);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    bic sp, sp, #15\n"
        "    bl check\n");
