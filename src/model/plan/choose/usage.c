/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * usage - hostpci lines, and who claims what
 *
 * As Proxmox has it (qemu-server, PVE::QemuServer::PCI):
 *
 *     hostpci0: 0000:c1:00.0,pcie=1
 *     hostpci1: host=01:00;02:00.0,x-vga=1
 *     hostpci2: mapping=igpu,mdev=i915-GVTg_V5_4
 *
 * An address without a function stands for all functions of the device.
 */
#include "model/plan/choose/usage.h"

#include "base/number.h"
#include "model/gpu/pci-address.h"

static struct bytes cut(struct bytes *rest, char separator) {
        const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
        struct bytes part = { rest->data, end ? (size_t)(end - rest->data) : rest->len };
        size_t skip = part.len + (end != NULL);

        rest->data += skip;
        rest->len -= skip;
        return part;
}

static bool has_prefix(struct bytes s, const char *prefix) {
        return s.len >= strlen(prefix) && memcmp(s.data, prefix, strlen(prefix)) == 0;
}

static struct bytes behind(struct bytes s, const char *prefix) {
        return (struct bytes){ s.data + strlen(prefix), s.len - strlen(prefix) };
}

static void parse_addresses(struct arena *a, struct bytes list, struct hostpci *h) {
        while (list.len > 0) {
                const char *path = pci_path_normalize(a, cut(&list, ';'));

                if (path)
                        *ARENA_PUSH(a, h->paths, h->n_paths) = path;
        }
}

static struct hostpci parse_value(struct arena *a, struct bytes value) {
        struct hostpci h = { 0 };

        while (value.len > 0) {
                struct bytes part = bytes_trim(cut(&value, ','));

                if (has_prefix(part, "mapping=")) {
                        part = behind(part, "mapping=");
                        h.mapping = arena_strndup(a, part.data, part.len);
                } else if (has_prefix(part, "mdev=")) {
                        h.mediated = true;
                } else if (has_prefix(part, "host=")) {
                        parse_addresses(a, behind(part, "host="), &h);
                } else if (part.len > 0 && !memchr(part.data, '=', part.len)) {
                        parse_addresses(a, part, &h);
                }
        }
        return h;
}

/* The place of @key among the lines read so far; a new one when it is new. */
static struct hostpci *slot(struct arena *a, struct hostpci **list, size_t *n, struct bytes key) {
        for (size_t i = 0; i < *n; i++)
                if (bytes_equal(bytes_of((*list)[i].key), key))
                        return &(*list)[i];
        return ARENA_PUSH(a, *list, *n);
}

size_t hostpci_parse(struct arena *a, struct bytes conf, struct hostpci **ret) {
        struct hostpci *list = NULL;
        size_t n = 0;

        while (conf.len > 0 && conf.data[0] != '[') {
                struct bytes line = cut(&conf, '\n'), key = cut(&line, ':');
                struct hostpci h;
                uint32_t number;

                if (!has_prefix(key, "hostpci") || !parse_u32(behind(key, "hostpci"), &number))
                        continue;
                h = parse_value(a, bytes_trim(line));
                h.key = arena_strndup(a, key.data, key.len);
                *slot(a, &list, &n, key) = h;
        }
        *ret = list;
        return n;
}

/* ---- users ---- */

static void add(struct arena *a, struct usage *u, struct gpu_user user) {
        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].gpu == user.gpu && u->users[i].vmid == user.vmid)
                        return;
        *ARENA_PUSH(a, u->users, u->n) = user;
}

/* "0000:01:00.0" is itself, "0000:01:00" all of its functions. */
static bool path_has(const char *path, const char *address) {
        return streq(path, address) || (!strchr(path, '.') && str_has_prefix(address, path) &&
                                        address[strlen(path)] == '.');
}

void usage_add_vm(struct arena *a, const struct facts *f, uint32_t vmid, const struct hostpci *h,
                  struct usage *u) {
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < h->n_paths; j++)
                        if (f->gpus[i].pci && path_has(h->paths[j], f->gpus[i].address))
                                add(a, u,
                                    (struct gpu_user){ .kind = USER_VM,
                                                       .vmid = vmid,
                                                       .gpu = &f->gpus[i],
                                                       .by = h->key,
                                                       .mediated = h->mediated });
}

static void add_container(struct arena *a, struct usage *u, uint32_t vmid, const struct gpu *g,
                          const char *by) {
        if (g)
                add(a, u, (struct gpu_user){ USER_CONTAINER, vmid, g, by, false });
}

/* A folder, or "226:*": every GPU that has such a node. */
static void add_wide(struct arena *a, const struct facts *f, uint32_t vmid, uint32_t kinds,
                     struct usage *u) {
        for (size_t i = 0; i < f->n_gpus; i++)
                for (size_t j = 0; j < f->gpus[i].n_nodes; j++)
                        if (kinds & NODE_BIT(f->gpus[i].nodes[j].kind))
                                add_container(a, u, vmid, &f->gpus[i], "lines");
}

void usage_add_lines(struct arena *a, const struct facts *f, uint32_t vmid, const struct survey *s,
                     struct usage *u) {
        bool by_number = s->given == 0;

        for (size_t i = 1; i < s->n_lines; i++) {
                const struct devline *d = &s->lines[i];

                if (by_number ? d->type != DEVLINE_ALLOW
                              : d->type != DEVLINE_MOUNT && d->type != DEVLINE_DEV)
                        continue;
                if (devline_is_wide(f, d))
                        add_wide(a, f, vmid, devline_kinds(f, d, s->given), u);
                else
                        add_container(a, u, vmid, devline_gpu(f, d), "lines");
        }
}

void usage_add_policy(struct arena *a, const struct facts *f, uint32_t vmid, const struct policy *p,
                      const char *node, const struct choice *c, struct usage *u) {
        const struct pin *pin = policy_pin(p, node);
        bool automatic = false;

        for (size_t i = 0; i < c->gpus.n; i++)
                add_container(a, u, vmid, c->gpus.items[i], "policy");
        for (size_t i = 0; i < p->n_gpus; i++) {
                automatic |= p->gpus[i].kind == SEL_AUTO;
                if (p->gpus[i].kind == SEL_PCI)
                        add_container(a, u, vmid, facts_find_gpu(f, p->gpus[i].name), "policy");
        }
        for (size_t i = 0; automatic && pin && i < pin->n_gpus; i++) {
                const struct gpu *g = facts_find_gpu(f, pin->gpus[i].address);

                if (g && pci_ids_equal(&g->ids, &pin->gpus[i].ids))
                        add_container(a, u, vmid, g, "policy");
        }
}

/* The virtual machine that takes @g; one that takes the whole card takes its functions with it. */
static const struct gpu_user *taker(const struct usage *u, const struct gpu *g) {
        for (size_t i = 0; i < u->n; i++) {
                const struct gpu_user *vm = &u->users[i];

                if (vm->kind == USER_VM && !vm->mediated &&
                    (vm->gpu == g || (g->physfn && streq(g->physfn, vm->gpu->address))))
                        return vm;
        }
        return NULL;
}

void usage_check(const struct usage *u, struct findings *findings) {
        for (size_t i = 0; i < u->n; i++) {
                const struct gpu_user *c = &u->users[i];
                const struct gpu_user *vm = taker(u, c->gpu);
                bool held = c->gpu->driver && streq(c->gpu->driver, "vfio-pci");
                struct finding item = { .code = FINDING_GPU_CONFLICT, .gpu = c->gpu->address };

                if (c->kind != USER_CONTAINER || (!vm && !held))
                        continue;
                item.what = arena_printf(findings->arena, "%u", c->vmid);
                item.old = vm ? arena_printf(findings->arena,
                                             held ? "it is held for virtual machine %u (%s)"
                                                  : "virtual machine %u takes it at its start (%s)",
                                             vm->vmid, vm->by)
                              : "it is held by vfio-pci for virtual machines";
                finding_add(findings, item);
        }
}

const char *usage_names(struct arena *a, const struct usage *u, const struct gpu *g) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < u->n; i++)
                if (u->users[i].gpu == g)
                        strbuf_printf(&b, "%s%s/%u", b.len > 0 ? "," : "",
                                      u->users[i].kind == USER_VM ? "vm" : "ct", u->users[i].vmid);
        return b.len > 0 ? strbuf_str(&b) : "";
}
