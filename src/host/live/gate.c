/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gate - plain bpf(2)
 *
 * Nothing is pinned or remembered: the program lives as long as the control group that it is
 * attached to. A reboot inside makes a new one.
 */
#include "host/live/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#define NAME "gpuanchor_gate" /* at most 15 characters */
#define PROGRAMS_MAX 64       /* BPF_CGROUP_MAX_PROGS of the kernel */

const char *gate_cgroup(struct arena *a, uint32_t vmid) {
        return arena_printf(a, "/sys/fs/cgroup/lxc/%u", vmid);
}

static int bpf(int command, union bpf_attr *attr) {
        long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

        return r < 0 ? -errno : (int)r;
}

static int load(const struct bpf_insn *program, size_t n) {
        static const char license[] = "LGPL";
        union bpf_attr attr;

        memset(&attr, 0, sizeof(attr)); /* the kernel refuses bits that it does not know */
        attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
        attr.insns = (uint64_t)(uintptr_t)program;
        attr.insn_cnt = (uint32_t)n;
        attr.license = (uint64_t)(uintptr_t)license;
        attr.expected_attach_type = BPF_CGROUP_DEVICE;
        memcpy(attr.prog_name, NAME, sizeof(NAME));
        return bpf(BPF_PROG_LOAD, &attr);
}

/* What a program is: its name, and a digest of its instructions. */
static int info_of(int program, struct bpf_prog_info *ret) {
        union bpf_attr attr;

        memset(&attr, 0, sizeof(attr));
        memset(ret, 0, sizeof(*ret));
        attr.info.bpf_fd = (uint32_t)program;
        attr.info.info_len = sizeof(*ret);
        attr.info.info = (uint64_t)(uintptr_t)ret;
        return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int open_by_id(uint32_t id) {
        union bpf_attr attr;

        memset(&attr, 0, sizeof(attr));
        attr.prog_id = id;
        return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

/* Descriptor of the program of ours that is there, -ENOENT when there is none. */
static int find(int group, struct bpf_prog_info *ret) {
        uint32_t ids[PROGRAMS_MAX];
        union bpf_attr attr;
        int r;

        memset(&attr, 0, sizeof(attr));
        attr.query.target_fd = (uint32_t)group;
        attr.query.attach_type = BPF_CGROUP_DEVICE;
        attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
        attr.query.prog_cnt = PROGRAMS_MAX;
        r = bpf(BPF_PROG_QUERY, &attr);
        for (uint32_t i = 0; r == 0 && i < attr.query.prog_cnt; i++) {
                _cleanup_(cleanup_close) int program = open_by_id(ids[i]);

                if (program >= 0 && info_of(program, ret) == 0 && streq(ret->name, NAME)) {
                        r = program;
                        program = -1;
                        return r;
                }
                if (program < 0 && program != -ENOENT) /* gone since it was listed */
                        r = program;
        }
        return r < 0 ? r : -ENOENT;
}

static int attach(int group, int program, int replaced) {
        union bpf_attr attr;

        memset(&attr, 0, sizeof(attr));
        attr.target_fd = (uint32_t)group;
        attr.attach_bpf_fd = (uint32_t)program;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI;
        if (replaced >= 0) {
                attr.attach_flags |= BPF_F_REPLACE;
                attr.replace_bpf_fd = (uint32_t)replaced;
        }
        return bpf(BPF_PROG_ATTACH, &attr);
}

static int open_group(const char *cgroup) {
        int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int gate_set(const char *cgroup, const struct bpf_insn *program, size_t n) {
        struct bpf_prog_info there, new_one;
        _cleanup_(cleanup_close) int group = open_group(cgroup), old = -1, loaded = -1;
        int r;

        if (group < 0)
                return group;
        old = find(group, &there);
        if (old < 0 && old != -ENOENT)
                return old;
        loaded = load(program, n);
        if (loaded < 0)
                return loaded;
        if (old >= 0 && info_of(loaded, &new_one) == 0 &&
            memcmp(there.tag, new_one.tag, sizeof(there.tag)) == 0)
                return 0;
        r = attach(group, loaded, old);
        return r < 0 ? r : 1;
}

int gate_clear(const char *cgroup) {
        struct bpf_prog_info there;
        _cleanup_(cleanup_close) int group = open_group(cgroup), old = -1;
        union bpf_attr attr;
        int r;

        if (group < 0)
                return group == -ENOENT ? 0 : group;
        old = find(group, &there);
        if (old < 0)
                return old == -ENOENT ? 0 : old;
        memset(&attr, 0, sizeof(attr));
        attr.target_fd = (uint32_t)group;
        attr.attach_bpf_fd = (uint32_t)old;
        attr.attach_type = BPF_CGROUP_DEVICE;
        r = bpf(BPF_PROG_DETACH, &attr);
        return r < 0 ? r : 1;
}

int gate_is_set(const char *cgroup) {
        struct bpf_prog_info there;
        _cleanup_(cleanup_close) int group = open_group(cgroup), program = -1;

        if (group < 0)
                return group;
        program = find(group, &there);
        return program >= 0 ? 1 : program == -ENOENT ? 0 : program;
}
