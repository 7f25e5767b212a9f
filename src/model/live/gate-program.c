/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gate-program - five instructions, two for each number, four at the end */
#include "model/live/gate-program.h"

enum {
        RETURN = BPF_REG_0,
        CONTEXT = BPF_REG_1,
        TYPE = BPF_REG_2,
        MAJOR = BPF_REG_3,
        MINOR = BPF_REG_4
};

static struct bpf_insn load(unsigned to, size_t offset) {
        return (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W,
                                  .dst_reg = to & 15,
                                  .src_reg = CONTEXT,
                                  .off = (int16_t)offset };
}

/* Jump over @over instructions if @reg compares so with @value. */
static struct bpf_insn jump(unsigned comparison, unsigned reg, uint32_t value, size_t over) {
        return (struct bpf_insn){ .code = (uint8_t)(BPF_JMP | BPF_K | comparison),
                                  .dst_reg = reg & 15,
                                  .off = (int16_t)over,
                                  .imm = (int32_t)value };
}

static struct bpf_insn set_return(int32_t value) {
        return (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
                                  .dst_reg = RETURN,
                                  .imm = value };
}

size_t gate_program(struct arena *a, const struct devnum *numbers, size_t n,
                    struct bpf_insn **ret) {
        size_t total = 5 + 2 * n + 4, pass = 5 + 2 * n, refuse = pass + 2, i = 0;
        struct bpf_insn *insn = arena_alloc(a, total * sizeof(*insn));

        insn[i++] = load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
        insn[i++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_AND | BPF_K,
                                       .dst_reg = TYPE,
                                       .imm = 0xffff }; /* the upper half is the kind of access */
        insn[i] = jump(BPF_JNE, TYPE, BPF_DEVCG_DEV_CHAR, pass - i - 1);
        i++;
        insn[i++] = load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
        insn[i++] = load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
        for (size_t k = 0; k < n; k++) {
                insn[i++] = jump(BPF_JNE, MAJOR, numbers[k].major, 1);
                insn[i] = jump(BPF_JEQ, MINOR, numbers[k].minor, refuse - i - 1);
                i++;
        }
        insn[i++] = set_return(1);
        insn[i++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
        insn[i++] = set_return(0);
        insn[i++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
        *ret = insn;
        return total;
}
