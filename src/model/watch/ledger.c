/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ledger - new, changed, resolved, and the text it is kept as
 *
 * The text begins with a header and ends with a line "end", which a file that was
 * cut does not have. One line is one open finding, its fields separated by tabs:
 * code, severity, vmid, gpu, old, new, what, where; "-" stands for none.
 *
 *     gpuanchor-ledger 1
 *     container-stale	0	101	-	-	-	1 line differs: ...	101.conf
 *     end
 */
#include "model/watch/ledger.h"

#include "base/number.h"

#define HEADER "gpuanchor-ledger 1"
#define FIELDS 8

static bool same(const char *a, const char *b) {
        return a == b || (a && b && streq(a, b));
}

static bool is_of_next_start(enum finding_code code) {
        return code == FINDING_CONTAINER_STALE || code == FINDING_CONTAINER_NO_START ||
               code == FINDING_CONTAINER_REFUSED;
}

/* Whether two findings are about the same thing, though perhaps not saying the same. */
static bool same_subject(const struct finding *a, const struct finding *b) {
        /* a container is stale once, whichever of its lines are, and also if it cannot start */
        if (is_of_next_start(a->code) && is_of_next_start(b->code) && a->vmid == b->vmid)
                return true;
        if (a->code != b->code || a->vmid != b->vmid || !same(a->gpu, b->gpu))
                return false;
        if (a->code == FINDING_HOOK_MISSING || a->code == FINDING_HOOK_UNUSABLE)
                return true;
        return same(a->what, b->what) && same(a->where, b->where);
}

typedef bool (*match_fn)(const struct finding *a, const struct finding *b);

static bool contains(const struct finding *items, size_t n, const struct finding *f,
                     match_fn match) {
        for (size_t i = 0; i < n; i++)
                if (match(&items[i], f))
                        return true;
        return false;
}

static int compare_severity(const void *a, const void *b) {
        const struct finding *x = *(const struct finding *const *)a;
        const struct finding *y = *(const struct finding *const *)b;
        int dx = (int)finding_severity(x), dy = (int)finding_severity(y);

        return dx != dy ? dx - dy : (x > y) - (x < y); /* stable: both lie in one array */
}

/* The worst first: what exceeds the limit of messages is at the end. */
static void sort_worst_first(struct findings *f) {
        const struct finding **order = arena_alloc(f->arena, (f->n + 1) * sizeof(*order));
        struct finding *sorted = arena_alloc(f->arena, (f->n + 1) * sizeof(*sorted));

        for (size_t i = 0; i < f->n; i++)
                order[i] = &f->items[i];
        if (f->n > 1)
                qsort(order, f->n, sizeof(*order), compare_severity);
        for (size_t i = 0; i < f->n; i++)
                sorted[i] = *order[i];
        f->items = sorted;
}

static void push(struct findings *f, const struct finding *item) {
        *ARENA_PUSH(f->arena, f->items, f->n) = *item;
}

/* A container whose files cannot be read: what was wrong with it may still be. */
static bool is_unseen(const struct findings *now, uint32_t vmid) {
        for (size_t i = 0; i < now->n; i++)
                if (now->items[i].code == FINDING_READ_FAILED && now->items[i].vmid == vmid)
                        return true;
        return false;
}

void ledger_compare(const struct ledger *before, const struct findings *now, bool blind,
                    struct ledger_news *ret) {
        struct arena *a = now->arena;
        struct ledger_news news = { .fresh = { .arena = a }, .resolved = { .arena = a } };
        struct findings open = { .arena = a };

        for (size_t i = 0; i < now->n; i++) {
                const struct finding *f = &now->items[i];

                if (!contains(before->open, before->n_open, f, finding_equal))
                        push(&news.fresh, f);
                if (!finding_is_event(f->code))
                        push(&open, f);
        }
        for (size_t i = 0; i < before->n_open; i++) {
                const struct finding *f = &before->open[i];

                if (contains(now->items, now->n, f, same_subject))
                        continue;
                push(f->vmid != 0 && (blind || is_unseen(now, f->vmid)) ? &open : &news.resolved,
                     f);
        }
        sort_worst_first(&news.fresh);
        sort_worst_first(&news.resolved);
        news.next = (struct ledger){ open.items, open.n };
        *ret = news;
}

/* ---- as text ---- */

static void write_text(struct strbuf *t, const char *s) {
        strbuf_adds(t, "\t");
        if (!s) {
                strbuf_adds(t, "-");
                return;
        }
        if (streq(s, "-")) {
                strbuf_adds(t, "\\x2d");
                return;
        }
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f || *s == '\\')
                        strbuf_printf(t, "\\x%02x", (unsigned char)*s);
                else
                        strbuf_add(t, s, 1);
}

struct bytes ledger_write(struct arena *a, const struct ledger *l) {
        struct strbuf t = { .arena = a };

        strbuf_adds(&t, HEADER "\n");
        for (size_t i = 0; i < l->n_open; i++) {
                const struct finding *f = &l->open[i];
                const char *const texts[] = { f->gpu, f->old, f->new, f->what, f->where };

                strbuf_printf(&t, "%s\t%d\t%u", finding_kinds[f->code].code, (int)f->severity,
                              f->vmid);
                for (size_t j = 0; j < ELEMENTS(texts); j++)
                        write_text(&t, texts[j]);
                strbuf_adds(&t, "\n");
        }
        strbuf_adds(&t, "end\n");
        return strbuf_bytes(&t);
}

static bool read_text(struct arena *a, struct bytes field, const char **ret) {
        char *text = arena_alloc(a, field.len + 1), *to = text;
        uint32_t byte;

        *ret = NULL;
        if (bytes_equal(field, BYTES("-")))
                return true;
        for (size_t i = 0; i < field.len; i++) {
                if (field.data[i] != '\\') {
                        *to++ = field.data[i];
                        continue;
                }
                if (field.len - i < 4 || field.data[i + 1] != 'x' ||
                    !parse_hex((struct bytes){ field.data + i + 2, 2 }, 2, &byte) || byte == 0)
                        return false;
                *to++ = (char)byte;
                i += 3;
        }
        *ret = text;
        return true;
}

static bool split(struct bytes line, struct bytes fields[FIELDS]) {
        for (size_t i = 0; i < FIELDS - 1; i++)
                if (!bytes_split(line, '\t', &fields[i], &line))
                        return false;
        fields[FIELDS - 1] = line;
        return !bytes_contains_char(line, '\t');
}

static bool read_code(struct bytes text, enum finding_code *ret) {
        for (size_t i = 0; i < FINDING_CODES; i++)
                if (bytes_equal(text, bytes_of(finding_kinds[i].code))) {
                        *ret = (enum finding_code)i;
                        return true;
                }
        return false;
}

static bool read_finding(struct arena *a, struct bytes line, struct ledger *l) {
        struct bytes fields[FIELDS];
        struct finding f = { 0 };
        const char **const texts[] = { &f.gpu, &f.old, &f.new, &f.what, &f.where };
        uint32_t severity;

        if (!split(line, fields) || !parse_u32(fields[1], &severity) || severity > SEV_INFO ||
            !parse_u32(fields[2], &f.vmid))
                return false;
        f.severity = (enum severity)severity;
        for (size_t i = 0; i < ELEMENTS(texts); i++)
                if (!read_text(a, fields[3 + i], texts[i]))
                        return false;
        if (read_code(fields[0], &f.code))
                *ARENA_PUSH(a, l->open, l->n_open) = f;
        return true;
}

bool ledger_read(struct arena *a, struct bytes text, struct ledger *ret) {
        struct ledger l = { 0 };
        bool header = false;

        while (text.len > 0) {
                struct bytes line = bytes_line(&text);

                if (!bytes_take_suffix(&line, "\n") || bytes_contains_char(line, '\0'))
                        return false;
                if (!header) {
                        header = bytes_equal(line, BYTES(HEADER));
                        if (!header)
                                return false;
                } else if (bytes_equal(line, BYTES("end"))) {
                        if (text.len == 0)
                                *ret = l;
                        return text.len == 0;
                } else if (!read_finding(a, line, &l)) {
                        return false;
                }
        }
        return false;
}
