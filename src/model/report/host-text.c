/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * host-text - facts turned back into the description of a host
 *
 * For bug reports: what the probe found somewhere else becomes a folder here in
 * which it finds the same. Written from the facts and not from sysfs, so that
 * nothing gets into a report that gpuanchor has not looked at.
 */
#include "model/report/host-text.h"

/* "128" of "/dev/dri/renderD128" */
static const char *path_number(const char *path) {
        const char *s = path + strlen(path);

        while (s > path && ascii_is_digit(s[-1]))
                s--;
        return s;
}

/* mkhost.sh makes these by itself, of what it was said of the GPU, and kfd */
static bool is_automatic(const struct node *n) {
        return node_family(n)->class || !node_family(n)->shared;
}

static void add_node(struct strbuf *b, const struct node *n) {
        switch (n->state) {
        case NODE_ABSENT:
                if (is_automatic(n))
                        strbuf_printf(b, "absent %s\n", n->path);
                break;
        case NODE_CHAR:
        case NODE_WRONG_NUMBER: /* which one it has is no fact; 1000 on is no device's */
                strbuf_printf(b, "node %s c %u %u %u:%u %04o\n", n->path, n->number.major,
                              n->number.minor + (n->state == NODE_CHAR ? 0 : 1000), n->uid, n->gid,
                              n->mode);
                break;
        case NODE_FAKE:
                if (n->mode == 0)
                        strbuf_printf(b, "fake %s\n", n->path);
                else
                        strbuf_printf(b, "absent %s\nfile %s %04o\n", n->path, n->path, n->mode);
                break;
        }
}

/* "pci0000:c0/08.1/00.0" as the bridge 0000:c0:08.1; bus numbers that no port has are made up. */
static void add_under(struct strbuf *b, const char *port) {
        struct bytes rest = bytes_of(port ? port : ""), root = bytes_cut(&rest, '/');
        struct bytes step = bytes_cut(&rest, '/'), all, domain;
        const char *separator = " under=";

        if (!bytes_take_prefix(&root, "pci"))
                return;
        all = root;
        domain = bytes_cut(&all, ':');
        for (unsigned bus = 0xe0; rest.len > 0; step = bytes_cut(&rest, '/'), bus++) {
                if (*separator == ' ')
                        strbuf_printf(b, "%s%.*s:%.*s", separator, (int)root.len, root.data,
                                      (int)step.len, step.data);
                else
                        strbuf_printf(b, "%s%.*s:%02x:%.*s", separator, (int)domain.len,
                                      domain.data, bus, (int)step.len, step.data);
                separator = "/";
        }
}

static void add_pci(struct strbuf *b, const struct facts *f, const struct gpu *g) {
        if (g->physfn && !facts_find_gpu(f, g->physfn))
                strbuf_printf(b, "pci %s class=000000 id=0000:0000\n", g->physfn);
        strbuf_printf(b, "pci %s class=%06x", g->address, g->class);
        if (pci_ids_known(&g->ids))
                strbuf_printf(b, " id=%s sub=%s", pci_ids_model(b->arena, &g->ids),
                              pci_ids_subsystem(b->arena, &g->ids));
        if (g->physfn)
                strbuf_printf(b, " physfn=%s", g->physfn);
        if (g->function)
                strbuf_printf(b, " virtfn=%u", g->function - 1);
        add_under(b, g->port);
}

static void add_drm(struct strbuf *b, const struct gpu *g) {
        const struct node *card = gpu_node(g, NODE_CARD), *render = gpu_node(g, NODE_RENDER);

        if (!card && !render)
                return;
        strbuf_printf(b, "drm %s", g->address);
        if (card)
                strbuf_printf(b, " card=%s", path_number(card->path));
        if (render)
                strbuf_printf(b, " render=%s", path_number(render->path));
        strbuf_adds(b, "\n");
}

static void add_gpu(struct strbuf *b, const struct facts *f, const struct gpu *g) {
        const struct node *nvidia = gpu_node(g, NODE_NVIDIA);

        if (g->pci)
                add_pci(b, f, g);
        else
                strbuf_printf(b, "platform %s", g->address);
        if (g->driver)
                strbuf_printf(b, " driver=%s", g->driver);
        strbuf_adds(b, "\n");
        add_drm(b, g);
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->nodes[i].kind == NODE_ACCEL)
                        strbuf_printf(b, "accel %s %s\n", g->address,
                                      path_number(g->nodes[i].path));
        if (nvidia)
                strbuf_printf(b, "nvidia %s %u\n", g->address, nvidia->number.minor);
        for (size_t i = 0; i < g->n_nodes; i++)
                add_node(b, &g->nodes[i]);
}

static void add_shared(struct strbuf *b, const struct facts *f) {
        bool nvidia = false;

        for (size_t i = 0; i < f->n_shared; i++) {
                const struct node *n = &f->shared[i];

                if (n->kind == NODE_KFD)
                        strbuf_printf(b, "kfd %u\n", n->number.major);
                nvidia |= n->kind == NODE_NVIDIA;
                add_node(b, n);
        }
        if (nvidia)
                strbuf_adds(b, "dir /proc/driver/nvidia\n");
}

/* as a file: "major" lines would come with those that every machine has */
static void add_majors(struct strbuf *b, const struct facts *f) {
        strbuf_adds(b, "file /proc/devices 0444\n| Character devices:\n");
        for (size_t i = 0; i < f->n_majors; i++)
                strbuf_printf(b, "| %3u %s\n", f->majors[i].major, f->majors[i].name);
}

static void add_group(struct strbuf *b, const char *name, const struct host_group *g) {
        if (g->present)
                strbuf_printf(b, "group %s %u\n", name, g->gid);
}

static void add_subids(struct strbuf *b, const char *file, const struct subid_range *r, size_t n) {
        for (size_t i = 0; i < n; i++)
                strbuf_printf(b, "%s root:%u:%u\n", file, r[i].start, r[i].count);
}

void describe_host(struct strbuf *b, const struct facts *f, const struct subid_range *subuids,
                   size_t n) {
        for (size_t i = 0; i < f->n_gpus; i++)
                add_gpu(b, f, &f->gpus[i]);
        add_shared(b, f);
        add_majors(b, f);
        for (int i = 0; i < GID_GROUPS; i++)
                add_group(b, gid_group_name(i), &f->groups[i]);
        add_subids(b, "subgid", f->subgids, f->n_subgids);
        add_subids(b, "subuid", subuids, n);
}

void describe_file(struct strbuf *b, const char *path, unsigned mode, struct bytes content) {
        strbuf_printf(b, "file %s %04o\n", path, mode);
        while (content.len > 0) {
                struct bytes line = bytes_cut(&content, '\n');

                strbuf_adds(b, line.len > 0 ? "| " : "|");
                strbuf_add_bytes(b, line);
                strbuf_adds(b, "\n");
        }
}
