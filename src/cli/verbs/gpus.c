/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpus - what this host has
 *
 * Needs no Proxmox and no root: sysfs and the modes of device nodes are for
 * everybody to read. Who uses a GPU is shown as far as /etc/pve can be read.
 */
#include "cli/views.h"
#include "cli/output.h"
#include "pve/guest.h"
#include "render/json.h"
#include "render/gpu-table.h"

#include <errno.h>

/* A card given to a virtual machine is as it should be; a broken node never is. */
static int attention(const struct inventory *inv) {
        for (size_t i = 0; i < inv->problems.n; i++)
                if (inv->problems.items[i].code != FINDING_GPU_HELD &&
                    inv->problems.items[i].code != FINDING_GPU_NO_DRIVER)
                        return EXIT_ATTENTION;
        return EXIT_DONE;
}

/* The card whose function the finding says is held; NULL for any other one. */
static const char *card_held(const struct inventory *inv, const struct finding *f) {
        const struct gpu *g =
                f->code == FINDING_GPU_HELD ? facts_find_gpu(inv->facts, f->gpu) : NULL;

        return g ? g->physfn : NULL;
}

/* Functions of one card that are held alike are one line, with the first of them. */
static void print_problems(struct cli *c, const struct inventory *inv) {
        struct findings shown = { .arena = &c->arena };
        const struct findings *all = &inv->problems;

        for (size_t i = 0; i < all->n; i++) {
                struct finding f = all->items[i];
                const struct gpu *g = f.gpu ? facts_find_gpu(inv->facts, f.gpu) : NULL;
                const char *card = card_held(inv, &f);
                size_t before = 0, more = 0;

                if (f.code == FINDING_GPU_HELD && g && usage_taker(inv->usage, g))
                        continue; /* by its configuration */
                for (size_t j = 0; card && j < all->n; j++) {
                        const char *other = card_held(inv, &all->items[j]);

                        if (j != i && other && streq(other, card) &&
                            streq(all->items[j].what, f.what) &&
                            !usage_taker(inv->usage,
                                         facts_find_gpu(inv->facts, all->items[j].gpu)))
                                *(j < i ? &before : &more) += 1;
                }
                if (more > 0)
                        f.gpu = arena_printf(&c->arena, MSG_GPUS_MORE, f.gpu, more, card);
                if (before == 0)
                        *ARENA_PUSH(&c->arena, shown.items, shown.n) = f;
        }
        out_findings(c, &shown, 0, EDITS_TELL);
}

static int print(struct cli *c, const struct inventory *inv) {
        int r = 0;

        if (c->opt[OPT_JSON]) {
                fputs(json_gpus(&c->arena, inv), stdout);
        } else if (c->opt[OPT_PLAIN]) {
                table_gpus_plain(&c->arena, inv);
        } else if (inv->facts->n_gpus > 0) {
                r = table_gpus(&c->arena, inv, c->color);
                print_problems(c, inv);
                if (inv->usage->partial)
                        cli_say(c, inv->node || guest_no_node(&c->host.pve) == -EACCES
                                           ? MSG_GPUS_PARTIAL
                                           : MSG_GPUS_NO_PVE);
        } else {
                cli_say(c, MSG_GPUS_NONE);
        }
        return r;
}

static int run(struct cli *c) {
        struct inventory inv;
        int r;

        r = look_gpus(c, &inv);
        if (r < 0)
                return cli_fail(c, "", MSG_DEVICES_UNREAD, strerror(-r));
        r = print(c, &inv);
        if (r < 0)
                return cli_fail(c, MSG_DO_GPUS_CAT, MSG_TABLE_FAILED, strerror(-r));
        return attention(&inv);
}

const struct verb verb_gpus = {
        .name = "gpus",
        .args = "",
        .summary = "list the GPUs of this host and their device nodes",
        .example = "gpuanchor gpus",
        .about =
                "Address, ids, driver, nodes with number, owner and mode, the containers (ct/101)\n"
                "and virtual machines (vm/200) that use each, and what is wrong. --plain: one\n"
                "line per node, whose first field is the selector for gpuanchor enable --gpu.\n",
        .exits = { "listed",
                   "listed, and a device node is not what it should be,\n     or a GPU is claimed "
                   "by a container and a virtual machine",
                   "the host's devices cannot be read" },
        .options = OPT_BIT(OPT_JSON) | OPT_BIT(OPT_PLAIN),
        .max_args = 0,
        .run = run,
};
