/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * variable - paths in a text that is a program's, found by how they begin
 */
#include "model/plan/edit/variable.h"

struct node_names variable_names(const struct editor *e) {
        struct node_names v = { e, arena_alloc(e->a, (e->p->n_nodes + 1) * sizeof(*v.names)) };

        for (size_t i = 0; i < e->p->n_nodes; i++)
                v.names[i] = survey_name(e->a, e->in->survey, e->p->nodes[i].node);
        return v;
}

static bool is_path_character(char c) {
        return ascii_is_alnum(c) || c == '/' || c == '.' || c == '_' || c == '-';
}

struct bytes variable_path(struct bytes text, size_t from) {
        for (size_t i = from; i + 5 <= text.len; i++) {
                size_t end = i;

                if ((i > 0 && is_path_character(text.data[i - 1])) ||
                    memcmp(text.data + i, "/dev/", 5) != 0)
                        continue;
                while (end < text.len && is_path_character(text.data[end]))
                        end++;
                return (struct bytes){ text.data + i, end - i };
        }
        return (struct bytes){ 0 };
}

/* Behind @path, which is part of @text. */
static struct bytes path_behind(struct bytes text, struct bytes path) {
        return variable_path(text, (size_t)(path.data - text.data) + path.len);
}

/* Of its name and of what it names: other words of the value say nothing about nodes. */
static struct named_node key_of(const struct node_names *v, struct bytes text) {
        struct bytes rest = text, path = variable_path(text, 0);
        uint64_t sum = bytes_hash(BYTES_HASH, bytes_cut(&rest, '='));

        for (; path.len > 0; path = path_behind(text, path))
                sum = bytes_hash(bytes_hash(sum, BYTES(" ")), path);
        return (struct named_node){
                .host = v->e->in->node,
                .digest = arena_printf(v->e->a, "%016llx", (unsigned long long)sum)
        };
}

static const char *place_of(const struct editor *e, const struct gpu *g) {
        struct card c = gpu_card(e->in->facts, g);

        return card_place(e->a, &c);
}

/* Where the card is now that was at @place; NULL: not here. */
static const char *place_now(const struct editor *e, const char *place) {
        const struct choice *c = &e->p->choice;

        for (size_t i = 0; i < c->n_followed; i++)
                if (streq(card_place(e->a, &c->followed[i]), place))
                        return c->pin.gpus[i].state ? NULL : card_place(e->a, &c->pin.gpus[i]);
        return place;
}

/* The node of that family at @place; NULL when it has the name @path, or none is meant for certain. */
static const char *node_at(const struct node_names *v, const struct gpu_path *path,
                           const char *place) {
        const struct plan *p = v->e->p;
        const char *only = NULL;
        size_t n = 0;

        for (size_t i = 0; place && i < p->n_nodes; i++) {
                const struct plan_node *pn = &p->nodes[i];

                if (!pn->gpu || node_family(pn->node) != path->family ||
                    !streq(place_of(v->e, pn->gpu), place))
                        continue;
                if (bytes_equal(path->clean, bytes_of(v->names[i])))
                        return NULL;
                only = v->names[i];
                n++;
        }
        return n == 1 ? only : NULL;
}

/*
 * What the container has instead of the node at @path, of which nothing is remembered; NULL when
 * it has that very node, none, or several of the kind: then it cannot be told.
 */
static const char *only_one(const struct node_names *v, const struct gpu_path *path) {
        const struct plan *p = v->e->p;
        const char *only = NULL;
        size_t n = 0;

        for (size_t i = 0; i < p->n_nodes; i++) {
                const struct plan_node *pn = &p->nodes[i];

                if (bytes_equal(path->clean, bytes_of(v->names[i])) ||
                    bytes_equal(path->clean, bytes_of(pn->node->path)))
                        return NULL;
                if (!pn->required || node_family(pn->node) != path->family)
                        continue;
                only = v->names[i];
                n++;
        }
        return n == 1 && !p->incomplete ? only : NULL;
}

static const char *replacement(const struct node_names *v, const struct named_node *key,
                               struct bytes path) {
        const struct editor *e = v->e;
        struct gpu_path named = gpu_path_parse(e->a, path);
        struct named_node one = *key;
        const struct named_node *then;

        if (named.scope != PATH_NODE || named.family->shared)
                return NULL;
        one.path = bytes_dup(e->a, path);
        then = named_nodes_find(&e->in->policy->named_nodes, &one);
        return then ? node_at(v, &named, place_now(e, then->place)) : only_one(v, &named);
}

struct bytes variable_renewed(const struct node_names *v, struct bytes text) {
        struct strbuf b = { .arena = v->e->a };
        struct bytes rest = text, path = variable_path(text, 0);
        struct named_node key = key_of(v, text);
        bool stale = false;

        for (; path.len > 0; path = path_behind(text, path)) {
                const char *now = replacement(v, &key, path);

                strbuf_add(&b, rest.data, (size_t)(path.data - rest.data));
                strbuf_add_bytes(&b, now ? bytes_of(now) : path);
                rest = bytes_from(text, (size_t)(path.data - text.data) + path.len);
                stale = stale || now;
        }
        strbuf_add_bytes(&b, rest);
        return stale ? strbuf_bytes(&b) : text;
}

void variable_remember(const struct node_names *v, struct bytes text) {
        const struct editor *e = v->e;
        const struct named_nodes *before = &e->in->policy->named_nodes;
        struct named_nodes *list = &e->memory->named_nodes;
        struct named_node key = key_of(v, text);

        if (e->c->kind != PCTCONF_PVE) /* the generated configuration says the same */
                return;
        for (size_t i = 0; i < before->n; i++)
                if (streq(before->items[i].digest, key.digest) &&
                    !streq(before->items[i].host, key.host))
                        named_nodes_add(e->a, list, &before->items[i]);
        for (struct bytes path = variable_path(text, 0); path.len > 0;
             path = path_behind(text, path)) {
                const struct named_node *then;

                key.path = bytes_dup(e->a, path);
                then = named_nodes_find(before, &key);
                if (then)
                        named_nodes_add(e->a, list, then);
                for (size_t i = 0; i < e->p->n_nodes && !then; i++) {
                        if (!e->p->nodes[i].gpu || !streq(key.path, v->names[i]))
                                continue;
                        key.place = place_of(e, e->p->nodes[i].gpu);
                        named_nodes_add(e->a, list, &key);
                }
        }
}
