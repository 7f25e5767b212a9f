/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * held-judge - by number and identity
 *
 * A running container keeps the numbers of its start. After a renumbering a devN node opens
 * the GPU that has the number by now; a bound node was removed with its device and opens
 * nothing, except for the root of a privileged container.
 */
#include "model/live/held-judge.h"

#include "model/finding/reason.h"

bool held_is_usable(const struct held_node *n, bool userns) {
        return !userns || (n->mode & 0006) == 0006 || (n->gid >= 0 && (n->mode & 0060) == 0060) ||
               (n->uid >= 0 && (n->mode & 0600) == 0600);
}

static bool is_refused(const struct held *h, struct devnum number) {
        for (size_t i = 0; h->gate == GATE_CLOSED && i < h->n_refused; i++)
                if (devnum_equal(h->refused[i], number))
                        return true;
        return false;
}

static void judge_node(const struct held_judge *j, const struct held_node *n, struct findings *f) {
        const char *number = devnum_text(f->arena, n->number);
        bool usable = held_is_usable(n, j->userns);
        const struct gpu *g;
        const struct node *now = facts_node(j->facts, n->number, &g);

        if (now && g && !gpu_list_has(&j->gpus, g)) {
                if (usable && !is_refused(j->held, n->number))
                        finding_add(f, (struct finding){
                                               .code = FINDING_CONTAINER_WRONG_GPU,
                                               .what = n->path,
                                               .old = number,
                                               .new = arena_printf(f->arena, WHY_NODE_OF_GPU,
                                                                   now->path, g->address) });
        } else if (now && !usable) {
                finding_add(f, (struct finding){ .code = FINDING_INSIDE_UNUSABLE,
                                                 .what = n->path,
                                                 .new = number,
                                                 .old = node_owner_text(f->arena, n->mode, n->uid,
                                                                        n->gid) });
        }
}

static bool is_held(const struct held *h, struct devnum number) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (devnum_equal(h->nodes[i].number, number))
                        return true;
        return false;
}

void held_judge(const struct held_judge *j, struct findings *f) {
        for (size_t i = 0; i < j->held->n_nodes; i++)
                judge_node(j, &j->held->nodes[i], f);
        for (size_t i = 0; i < j->want->n_nodes; i++)
                if (!is_held(j->held, j->want->nodes[i].number))
                        finding_add(f, (struct finding){
                                               .code = FINDING_INSIDE_MISSING,
                                               .what = j->want->nodes[i].path,
                                               .new = devnum_text(f->arena,
                                                                  j->want->nodes[i].number) });
}
