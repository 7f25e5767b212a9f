/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * text - sentences of the .def tables, and findings in words
 *
 * The words are in the tables; here only the places are filled in. A
 * container's root chooses names that end up in these lines, and an operator's
 * terminal obeys escape sequences, so nothing passes unescaped.
 */
#include "render/text.h"

#include "model/finding/reason.h"
#include "model/gpu/gpu-list.h"

/* Length of the well-formed, printable UTF-8 sequence at @s, 0 when it is none. */
static size_t printable(const unsigned char *s) {
        size_t n;

        if (s[0] >= 0x20 && s[0] < 0x7f)
                return 1;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        for (size_t i = 1; i < n; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        /* C1 controls, overlong forms, surrogates, beyond Unicode, bidirectional overrides */
        if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
            (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
            (s[0] == 0xf4 && s[1] >= 0x90) || (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8))
                return 0;
        return n;
}

static void add_escaped(struct strbuf *b, const char *s) {
        while (*s) {
                size_t n = printable((const unsigned char *)s);

                if (n > 0)
                        strbuf_add(b, s, n);
                else
                        strbuf_printf(b, "\\x%02x", (unsigned char)*s);
                s += n > 0 ? n : 1;
        }
}

const char *text_fields(struct arena *a, const char *const *fields, size_t n) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < n; i++) {
                strbuf_adds(&b, i > 0 ? "\t" : "");
                add_escaped(&b, fields[i] && *fields[i] ? fields[i] : "-");
        }
        return strbuf_str(&b);
}

const char *text_escape(struct arena *a, const char *s) {
        struct strbuf b = { .arena = a };

        add_escaped(&b, s);
        return strbuf_str(&b);
}

/* The place that begins at @s, "{name}"; NULL when none does. */
static const struct text_place *place_at(const char *s, const struct text_place *places) {
        for (; places->name; places++) {
                size_t n = strlen(places->name);

                if (s[0] == '{' && strncmp(s + 1, places->name, n) == 0 && s[1 + n] == '}')
                        return places;
        }
        return NULL;
}

const char *text_fill(struct arena *a, const char *template, const struct text_place *places) {
        struct strbuf b = { .arena = a };

        while (*template) {
                const struct text_place *p = place_at(template, places);

                if (p)
                        add_escaped(&b, p->value ? p->value : "?");
                else
                        strbuf_add(&b, template, 1);
                template += p ? strlen(p->name) + 2 : 1;
        }
        return strbuf_str(&b);
}

static const char *fill_in(struct arena *a, const char *template, const struct finding *f,
                           uint32_t vmid) {
        const struct text_place places[] = {
                { "gpu", f->gpu },     { "old", f->old },
                { "new", f->new },     { "what", f->what },
                { "where", f->where }, { "vmid", vmid ? arena_printf(a, "%u", vmid) : "VMID" },
                { "name", f->gpu && f->name ? arena_printf(a, "%s, ", f->name) : "" },
                { "would", f->planned ? WHY_WOULD : "" },
                { NULL, NULL },
        };

        return text_fill(a, template, places);
}

/* "993" with its group, where that is the one that was named. */
static const char *label_gid(const struct finding *f, const char *gid) {
        size_t n = gid ? strlen(gid) : 0;

        return n > 0 && strncmp(f->name, gid, n) == 0 && f->name[n] == ' ' ? f->name : gid;
}

const char *finding_text(struct arena *a, const struct finding *f, uint32_t vmid) {
        struct finding named = *f;

        if (f->gpu && f->name) {
                named.gpu = gpu_label(a, f->name, f->gpu);
        } else if (f->name) {
                named.old = label_gid(f, f->old);
                named.new = label_gid(f, f->new);
        }
        return fill_in(a, finding_kinds[f->code].text, &named, vmid);
}

const char *finding_remedy(struct arena *a, const struct finding *f, uint32_t vmid) {
        return fill_in(a, finding_kinds[f->code].remedy, f, vmid);
}

/* Columns of one character of well-formed UTF-8: bytes that continue one take none. */
static size_t columns(const char *s, size_t n) {
        size_t c = 0;

        for (size_t i = 0; i < n; i++)
                c += ((unsigned char)s[i] & 0xc0) != 0x80;
        return c;
}

void text_wrap(const char *text, size_t at, size_t indent, size_t width) {
        bool first = true;

        while (*text) {
                size_t n = strcspn(text, " "), c = columns(text, n);

                if (!first && at + 1 + c > width) {
                        printf("\n%*s", (int)indent, "");
                        at = indent;
                } else if (!first) {
                        putchar(' ');
                        at++;
                }
                first = false;
                printf("%.*s", (int)n, text);
                at += c;
                text += n;
                text += strspn(text, " ");
        }
        putchar('\n');
}
