/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * given - one line per node and per card
 *
 *     node = /dev/dri/card1 226:1 0000:c1:00.0
 *     node = /dev/dri/renderD128 226:128 0000:c1:00.0 660 0 104 own
 *     card = 0000:c1:00.0 1002:150e ...
 *     kinds = card render
 *     form = dev
 *     gids = 44 104
 */
#include "model/live/given.h"

#include "base/number.h"
#include "model/live/held.h"

/* ---- where they are now ---- */

bool card_is_recorded(const struct card *recorded, const struct card *now) {
        if (recorded->function != now->function)
                return false;
        switch (card_compare_serials(recorded, now)) {
        case SERIAL_EQUAL:
                return true;
        case SERIAL_OTHER:
                return false;
        case SERIAL_UNKNOWN:
                break;
        }
        return pci_ids_equal(&recorded->ids, &now->ids) &&
               (recorded->port ? card_is_at(now, recorded->port)
                               : streq(recorded->address, now->address));
}

static bool is_given(const struct record *r, const struct facts *f, const struct gpu *g) {
        struct card now = gpu_card(f, g);

        for (size_t i = 0; i < r->n_cards; i++)
                if (card_is_recorded(&r->cards[i], &now))
                        return true;
        for (size_t i = 0; r->n_cards == 0 && i < r->n_nodes; i++)
                if (streq(r->nodes[i].gpu, g->address))
                        return true;
        return false;
}

void given_gpus(struct arena *a, const struct facts *f, const struct record *r,
                struct gpu_list *ret) {
        *ret = (struct gpu_list){ 0 };
        for (size_t i = 0; i < f->n_gpus; i++)
                if (is_given(r, f, &f->gpus[i]))
                        gpu_list_add(a, ret, &f->gpus[i]);
}

/* ---- the text ---- */

static void write_node(struct arena *a, struct strbuf *b, const struct record_node *n) {
        strbuf_printf(b, "node = %s %s %s", n->path, devnum_text(a, n->number), n->gpu);
        if (n->seen)
                strbuf_printf(b, " %s %s", node_owner_text(a, n->mode, n->uid, n->gid),
                              n->bound ? "bound" : "own");
        strbuf_adds(b, "\n");
}

struct bytes record_text(struct arena *a, const struct record *r) {
        struct strbuf b = { .arena = a };

        strbuf_adds(&b, "[given]\n");
        for (size_t i = 0; i < r->n_nodes; i++)
                write_node(a, &b, &r->nodes[i]);
        for (size_t i = 0; i < r->n_cards; i++) {
                strbuf_adds(&b, "card = ");
                card_write(a, &b, &r->cards[i]);
                strbuf_adds(&b, "\n");
        }
        if (!r->kinds)
                return strbuf_bytes(&b);
        strbuf_printf(&b, "kinds = %s\n", node_kinds_text(a, r->kinds));
        strbuf_printf(&b, "form = %s\n", r->form == METHOD_DEV ? "dev" : "idmap");
        strbuf_printf(&b, "gids = %u %u\n", r->gids[GID_VIDEO], r->gids[GID_RENDER]);
        return strbuf_bytes(&b);
}

static void parse_node(struct arena *a, struct bytes value, struct record *r) {
        struct bytes path = bytes_word(&value), number = bytes_word(&value);
        struct bytes gpu = bytes_word(&value);
        struct record_node n = { 0 };

        if (gpu.len == 0 || !devnum_parse(number, &n.number))
                return;
        n.path = bytes_dup(a, path);
        n.gpu = bytes_dup(a, gpu);
        n.seen = node_owner_parse(&value, &n.mode, &n.uid, &n.gid);
        n.bound = bytes_equal(bytes_word(&value), BYTES("bound"));
        *ARENA_PUSH(a, r->nodes, r->n_nodes) = n;
}

void record_parse(struct arena *a, struct bytes text, struct record *ret) {
        struct record r = { 0 };
        struct bytes line, key;
        bool given = false;
        struct card card;

        while (text.len > 0) {
                line = bytes_cut(&text, '\n');
                if (bytes_contains_char(line, '\0'))
                        continue;
                key = bytes_word(&line);
                if (bytes_has_prefix(key, "["))
                        given = bytes_equal(key, BYTES("[given]"));
                if (!given || !bytes_equal(bytes_word(&line), BYTES("=")))
                        continue;
                if (bytes_equal(key, BYTES("node")))
                        parse_node(a, line, &r);
                else if (bytes_equal(key, BYTES("card")) && card_parse(a, bytes_trim(line), &card))
                        *ARENA_PUSH(a, r.cards, r.n_cards) = card;
                else if (bytes_equal(key, BYTES("kinds")))
                        r.kinds = node_kinds_parse(line);
                else if (bytes_equal(key, BYTES("form")))
                        r.form = bytes_equal(bytes_word(&line), BYTES("dev")) ? METHOD_DEV
                                                                              : METHOD_IDMAP;
                else if (bytes_equal(key, BYTES("gids")) &&
                         parse_u32(bytes_word(&line), &r.gids[GID_VIDEO]))
                        (void)parse_u32(bytes_word(&line), &r.gids[GID_RENDER]);
        }
        *ret = r;
}
