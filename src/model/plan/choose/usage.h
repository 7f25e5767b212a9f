/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * usage - who uses which GPU: containers and virtual machines of this node
 *
 * A virtual machine takes a whole PCI function away from the host when it starts,
 * so a container that names the same GPU then starts without it, or the machine
 * does not start. A mediated device leaves the GPU with the host's driver.
 */
#include "model/conf/hostpci.h"
#include "model/conf/survey.h"
#include "model/finding/finding.h"
#include "model/plan/choose/choice.h"

enum user_kind { USER_CONTAINER, USER_VM };

struct gpu_user {
        enum user_kind kind;
        uint32_t vmid;
        const struct gpu *gpu;
        const char *by; /* "policy", "lines"; of a virtual machine the key, "hostpci0" */
        const char *gate; /* of a container that runs: gate_name(), see model/live/held.h; NULL */
        bool mediated;  /* the virtual machine gets a slice, the host keeps the GPU */
        bool exclusive; /* a container whose policy wants it for itself */
};

/** struct gpu_seeker - a container without policy whose lines name a node that is not there, and no GPU */
struct gpu_seeker {
        uint32_t vmid;
        const char *path; /* the node */
};

struct usage {
        struct arena *arena;
        const struct facts *facts;
        struct gpu_user *users; /* by container, then by virtual machine */
        size_t n;
        struct gpu_seeker *seekers;
        size_t n_seekers;
        bool partial; /* not every file could be read */
};

/** usage_add_vm() - the GPUs that a line with its paths filled in names */
void usage_add_vm(struct usage *u, uint32_t vmid, const struct hostpci *h);

/**
 * usage_add_lines() - the GPUs that the lines of a container without policy name
 *
 * Each line speaks for itself, also where they contradict each other. Rules of
 * the control group count where no line gives a node. Without any it is a seeker. With
 * usage_add_ways().
 */
void usage_add_lines(struct usage *u, uint32_t vmid, const struct survey *s);

/** usage_add_ways() - the GPUs of lines that no policy corrects: all of /dev, a hook, another file */
void usage_add_ways(struct usage *u, uint32_t vmid, const struct survey *s);

/** usage_add_policy() - the GPUs that a managed container is given or, by its pin @c->pin, waits
 * for */
void usage_add_policy(struct usage *u, uint32_t vmid, const struct policy *p,
                      const struct choice *c);

/** usage_add_container() - GPU @g, which may be NULL, of a container that has it by @by */
void usage_add_container(struct usage *u, uint32_t vmid, const struct gpu *g, const char *by);

/** usage_of() - the first other user than container @vmid that has @g, or all of its card; or NULL */
const struct gpu_user *usage_of(const struct usage *u, const struct gpu *g, uint32_t vmid);

/**
 * usage_taker() - the virtual machine that takes @g; one that takes the whole card takes its
 *                 functions with it; or NULL
 */
const struct gpu_user *usage_taker(const struct usage *u, const struct gpu *g);

/** gpu_user_text() - "container 101", "virtual machine 200" */
const char *gpu_user_text(struct arena *a, enum user_kind kind, uint32_t vmid);

/**
 * usage_check() - add gpu-conflict for every GPU that a container and a virtual machine claim, and
 *                 gpu-exclusive for one that a container wants for itself and another wants, too
 */
void usage_check(const struct usage *u, struct findings *findings);

/** usage_names() - "ct/101,vm/200", "ct/101(exclusive)", "" for no user */
const char *usage_names(struct arena *a, const struct usage *u, const struct gpu *g);
