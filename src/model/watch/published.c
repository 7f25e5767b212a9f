/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * published - one thing a line, a GPU's after the one that begins it
 *
 *     gpuanchor-node 1
 *     gpu 0000:c1:00.0 1002:150e 1f66:0031 pci0000:00/08.1/00.0
 *     name AMD Radeon 890M
 *     class 196608
 *     driver amdgpu
 *     node render /dev/dri/renderD128 226:128
 *     mapping igpu
 *     end
 */
#include "model/watch/published.h"

#include "base/number.h"
#include "model/gpu/pci-address.h"

#define HEADER "gpuanchor-node 1"
#define GPUS_MAX 256 /* beyond that a file is not believed any more */
#define NODES_MAX 64

static void write_gpu(struct strbuf *b, const struct published *p, const struct gpu *g) {
        struct card c = { .ids = g->ids, .address = g->address, .port = g->port };

        memcpy(c.serials, g->serials, sizeof(c.serials));
        strbuf_adds(b, "gpu ");
        card_write(b->arena, b, &c);
        if (g->name && !strchr(g->name, '\n'))
                strbuf_printf(b, "\nname %s", g->name);
        strbuf_printf(b, "\nclass %u\n", g->class);
        if (g->driver)
                strbuf_printf(b, "driver %s\n", g->driver);
        if (g->physfn)
                strbuf_printf(b, "physfn %s\n", g->physfn);
        for (size_t i = 0; i < g->n_nodes; i++)
                strbuf_printf(b, "node %s %s %s\n", node_kind_name(g->nodes[i].kind),
                              g->nodes[i].path, devnum_text(b->arena, g->nodes[i].number));
        for (size_t i = 0; i < p->n_mappings; i++)
                if (streq(p->mappings[i].address, g->address))
                        strbuf_printf(b, "mapping %s\n", p->mappings[i].name);
}

struct bytes published_write(struct arena *a, const struct published *p) {
        struct strbuf b = { .arena = a };

        strbuf_adds(&b, HEADER "\n");
        for (size_t i = 0; i < p->facts.n_gpus; i++)
                write_gpu(&b, p, &p->facts.gpus[i]);
        strbuf_adds(&b, "end\n");
        return strbuf_bytes(&b);
}

static const char *word(struct arena *a, struct bytes *rest) {
        struct bytes w = bytes_word(rest);

        return w.len > 0 ? bytes_dup(a, w) : NULL;
}

static bool read_gpu(struct arena *a, struct bytes rest, struct published *p) {
        const char *address;
        struct card c;
        struct gpu *g;

        if (p->facts.n_gpus >= GPUS_MAX || !card_parse(a, rest, &c) ||
            facts_find_gpu(&p->facts, c.address))
                return false;
        address = pci_address_normalize(a, bytes_of(c.address));
        g = ARENA_PUSH(a, p->facts.gpus, p->facts.n_gpus);
        *g = (struct gpu){ .address = c.address,
                           .pci = address && streq(address, c.address),
                           .ids = c.ids,
                           .port = c.port };
        memcpy(g->serials, c.serials, sizeof(g->serials));
        return true;
}

static void read_node(struct arena *a, struct bytes rest, struct gpu *g) {
        struct bytes kind = bytes_word(&rest), path = bytes_word(&rest);
        struct node n = { .state = NODE_CHAR };

        if (!node_kind_parse(kind, &n.kind) || g->n_nodes >= NODES_MAX || !bytes_has_prefix(path, "/dev/") ||
            !devnum_parse(bytes_word(&rest), &n.number))
                return;
        n.path = bytes_dup(a, path);
        *ARENA_PUSH(a, g->nodes, g->n_nodes) = n;
}

static void read_property(struct arena *a, struct bytes key, struct bytes rest,
                          struct published *p) {
        struct gpu *g = &p->facts.gpus[p->facts.n_gpus - 1];
        struct bytes value = bytes_trim(rest);

        if (value.len == 0)
                return;
        if (bytes_equal(key, BYTES("name")))
                g->name = bytes_dup(a, value);
        else if (bytes_equal(key, BYTES("class")))
                (void)parse_u32(value, &g->class);
        else if (bytes_equal(key, BYTES("driver")))
                g->driver = word(a, &rest);
        else if (bytes_equal(key, BYTES("physfn")))
                g->physfn = word(a, &rest);
        else if (bytes_equal(key, BYTES("node")))
                read_node(a, rest, g);
        else if (bytes_equal(key, BYTES("mapping")) && p->n_mappings < GPUS_MAX)
                *ARENA_PUSH(a, p->mappings, p->n_mappings) =
                        (struct published_mapping){ word(a, &rest), g->address };
}

bool published_read(struct arena *a, struct bytes text, struct published *ret) {
        struct published p = { 0 };
        bool whole = false;

        /* no line has a NUL, behind which a value would end */
        if ((text.len > 0 && memchr(text.data, '\0', text.len)) ||
            !bytes_equal(bytes_cut(&text, '\n'), BYTES(HEADER)))
                return false;
        while (text.len > 0 && !whole) {
                struct bytes line = bytes_cut(&text, '\n'), key = bytes_word(&line);

                whole = bytes_equal(key, BYTES("end"));
                if (bytes_equal(key, BYTES("gpu")) && !read_gpu(a, line, &p))
                        return false;
                if (p.facts.n_gpus > 0)
                        read_property(a, key, line, &p);
        }
        if (whole)
                *ret = p;
        return whole;
}
