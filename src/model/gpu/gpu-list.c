/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpu-list - one order, one way to write them
 */
#include "model/gpu/gpu-list.h"

#include "model/finding/reason.h"

bool gpu_list_has(const struct gpu_list *l, const struct gpu *g) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i] == g)
                        return true;
        return false;
}

void gpu_list_add(struct arena *a, struct gpu_list *l, const struct gpu *g) {
        size_t i;

        if (gpu_list_has(l, g))
                return;
        ARENA_PUSH(a, l->items, l->n);
        for (i = l->n - 1; i > 0 && l->items[i - 1] > g; i--)
                l->items[i] = l->items[i - 1];
        l->items[i] = g;
}

const char *gpu_describe(struct arena *a, const struct gpu *g) {
        struct strbuf b = { .arena = a };

        if (pci_ids_known(&g->ids))
                strbuf_printf(&b, "%s ", pci_ids_model(a, &g->ids));
        strbuf_adds(&b, g->driver ? g->driver : WHY_NO_DRIVER);
        for (size_t i = 0; i < g->n_nodes; i++)
                strbuf_printf(&b, " %s", strrchr(g->nodes[i].path, '/') + 1);
        return strbuf_str(&b);
}

const char *gpu_label(struct arena *a, const char *name, const char *address) {
        return name ? arena_printf(a, "%s, %s", name, address) : address;
}

const char *gpu_choice(struct arena *a, const struct gpu *g) {
        return gpu_label(a, g->name, gpu_describe(a, g));
}

static const char *vendor_name(uint32_t vendor) {
        switch (vendor) {
        case 0x1002:
                return "AMD ";
        case 0x10de:
                return "NVIDIA ";
        case 0x8086:
                return "Intel ";
        default:
                return "";
        }
}

const char *gpu_name(struct arena *a, uint32_t vendor, const char *model) {
        const char *open = strrchr(model, '['), *maker = vendor_name(vendor);
        struct bytes name = bytes_of(model);

        if (open && open[1] != ']' && model[name.len - 1] == ']')
                name = (struct bytes){ open + 1, strlen(open + 1) - 1 };
        if (bytes_has_prefix(name, maker))
                maker = "";
        return arena_printf(a, "%s%.*s", maker, (int)name.len, name.data);
}

const char *gpu_selector(struct arena *a, const struct gpu *g) {
        return arena_printf(a, "%s:%s", g->pci ? "pci" : "platform", g->address);
}

static const char *join(struct arena *a, const struct gpu_list *l, bool selectors) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < l->n; i++)
                strbuf_printf(&b, "%s%s (%s)", i ? ", " : "",
                              selectors ? gpu_selector(a, l->items[i])
                                        : gpu_label(a, l->items[i]->name, l->items[i]->address),
                              selectors ? gpu_choice(a, l->items[i])
                                        : gpu_describe(a, l->items[i]));
        return b.len > 0 ? strbuf_str(&b) : "no GPU";
}

const char *gpu_list_text(struct arena *a, const struct gpu_list *l) {
        return join(a, l, false);
}

const char *gpu_list_selectors(struct arena *a, const struct gpu_list *l) {
        return join(a, l, true);
}
