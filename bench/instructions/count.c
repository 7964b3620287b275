/* A plugin of qemu-user: counts the instructions that the emulated program executes.
 *
 *   qemu-aarch64 -plugin count.so,out=FILE PROGRAM    writes the number to FILE when it ends
 *
 * What is called of qemu is declared here, as its documentation of plugins has it: Debian's packages
 * have no header. PLUGIN_VERSION is the interface's version: 1 up to qemu 8, 2 from 9 on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct qemu_plugin_tb;
typedef uint64_t qemu_plugin_id_t;
typedef void (*translated_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed_fn)(unsigned int cpu, void *count);
typedef void (*ended_fn)(qemu_plugin_id_t id, void *data);

extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_fn call);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, executed_fn call,
                                                 int registers, void *count);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended_fn call, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t executed;
static char path[4096];

/* The emulated program may have threads, each a thread of qemu's. */
static void block_executed(unsigned int cpu, void *count)
{
    (void)cpu;
    __atomic_fetch_add(&executed, (uint64_t)(uintptr_t)count, __ATOMIC_RELAXED);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, block_executed, 0 /* none are read */,
                                         (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void program_ended(qemu_plugin_id_t id, void *data)
{
    FILE *out = fopen(path, "w");
    (void)id;
    (void)data;
    if (out == NULL) {
        perror(path);
        return;
    }
    fprintf(out, "%" PRIu64 "\n", executed);
    fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const void *info, int argc,
                                                               char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 || strlen(argv[0]) >= sizeof path) {
        fprintf(stderr, "count.so: wants one argument, out=FILE\n");
        return 1;
    }
    strcpy(path, argv[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, program_ended, NULL);
    return 0;
}
