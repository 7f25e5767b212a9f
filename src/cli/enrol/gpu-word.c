/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpu-word - a GPU as a person names it
 */
#include "cli/enrol/gpu-word.h"

#include "cli/output.h"
#include "host/lookup.h"
#include "model/gpu/gpu-list.h"
#include "model/gpu/pci-address.h"
#include "model/policy/edit.h"
#include "model/policy/selector.h"
#include "render/text.h"

/* The GPU of the device that @path leads to; NULL when it leads to no GPU's. */
static const struct gpu *gpu_at(struct cli *c, const char *path) {
        struct sources asked = { 0 };
        const struct gpu *gpu = NULL;

        sources_add(&c->arena, &asked, bytes_of(path));
        lookup_sources(&c->arena, c->root, &asked);
        if (asked.n == 1 && asked.items[0].kind == SOURCE_DEVICE)
                (void)facts_node(&c->host.facts, asked.items[0].number, &gpu);
        return gpu;
}

/* Whether @word can only be a node or an address; the GPU that it is, or NULL, in @ret. */
static bool names_a_device(struct cli *c, const char *word, const struct gpu **ret) {
        const char *address = pci_address_normalize(&c->arena, bytes_of(word));
        struct gpu_sel s;

        if (address)
                *ret = facts_find_gpu(&c->host.facts, address);
        else if (selector_parse(&c->arena, bytes_of(word), &s) == NULL &&
                 (s.kind == SEL_PCI || s.kind == SEL_PLATFORM))
                *ret = facts_find_gpu(&c->host.facts, s.name);
        else if (*word == '/')
                *ret = gpu_at(c, word);
        else if (str_has_prefix(word, "card") || str_has_prefix(word, "renderD"))
                *ret = gpu_at(c, arena_printf(&c->arena, "/dev/dri/%s", word));
        else if (str_has_prefix(word, "nvidia"))
                *ret = gpu_at(c, arena_printf(&c->arena, "/dev/%s", word));
        else
                return false;
        return true;
}

/* Whether a GPU of this host is the model or has the driver that @word names; true of other words. */
static bool is_here(struct cli *c, const char *word) {
        struct gpu_sel s = { 0 };
        size_t found = 0;

        if (selector_parse(&c->arena, bytes_of(word), &s) != NULL ||
            (s.kind != SEL_ID && s.kind != SEL_DRIVER))
                return true;
        for (size_t i = 0; i < c->host.facts.n_gpus; i++) {
                const struct gpu *g = &c->host.facts.gpus[i];

                found += s.kind == SEL_ID ? pci_ids_same_model(&g->ids, &s.ids)
                                          : g->driver && streq(g->driver, s.name);
        }
        return found > 0 && found >= s.nth;
}

/* Ends a complaint: each GPU as --gpu would name it. */
static const char *list_choices(struct cli *c) {
        for (size_t i = 0; i < c->host.facts.n_gpus; i++) {
                const struct gpu *g = &c->host.facts.gpus[i];

                fprintf(stderr, MSG_GPU_CHOICE, text_escape(&c->arena, gpu_selector(&c->arena, g)),
                        text_escape(&c->arena, gpu_choice(&c->arena, g)));
        }
        return NULL;
}

const char *gpu_words(struct cli *c, const char *value) {
        struct strbuf b = { .arena = &c->arena };
        struct bytes rest = bytes_of(value), word;
        const char *problem;

        if (anchor_facts(&c->host) < 0)
                return value;
        while ((word = bytes_word(&rest)).len > 0) {
                const char *text = bytes_dup(&c->arena, word);
                const struct gpu *gpu = NULL;

                if (names_a_device(c, text, &gpu) ? !gpu : !is_here(c, text)) {
                        cli_fail(c, c->host.facts.n_gpus ? MSG_DO_CHOOSE : "", MSG_GPU_NOT_HERE,
                                 text);
                        return list_choices(c);
                }
                if (gpu)
                        text = gpu_selector(&c->arena, gpu);
                strbuf_printf(&b, "%s%s", b.len ? " " : "", text);
        }
        problem = setting_problem(&c->arena, &(struct setting){ "gpu", strbuf_str(&b) });
        if (problem) {
                cli_fail(c, MSG_DO_GPU_OF_NOW, "--%s", problem);
                return list_choices(c);
        }
        return strbuf_str(&b);
}
