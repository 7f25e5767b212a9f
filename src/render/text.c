/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * text - findings in words
 *
 * The words are in finding.def; here only the places are filled in. A
 * container's root chooses names that end up in these lines, and an operator's
 * terminal obeys escape sequences, so nothing passes unescaped.
 */
#include "render/text.h"

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

const char *text_escape(struct arena *a, const char *s) {
        struct strbuf b = { .arena = a };

        add_escaped(&b, s);
        return strbuf_str(&b);
}

/* The text that stands for "{name}" at @s; NULL when no place begins there. */
static const char *place(const char *s, const struct finding *f, const char *vmid, size_t *ret_len) {
        const struct {
                const char *name, *value;
        } places[] = {
                { "{gpu}", f->gpu },   { "{old}", f->old },     { "{new}", f->new },
                { "{what}", f->what }, { "{where}", f->where }, { "{vmid}", vmid },
        };

        for (size_t i = 0; i < ELEMENTS(places); i++)
                if (str_has_prefix(s, places[i].name)) {
                        *ret_len = strlen(places[i].name);
                        return places[i].value ? places[i].value : "?";
                }
        return NULL;
}

static const char *fill_in(struct arena *a, const char *template, const struct finding *f,
                           uint32_t vmid) {
        struct strbuf b = { .arena = a };
        const char *number = vmid ? arena_printf(a, "%u", vmid) : "VMID";

        while (*template) {
                size_t n = 1;
                const char *value = place(template, f, number, &n);

                if (value)
                        add_escaped(&b, value);
                else
                        strbuf_add(&b, template, 1);
                template += n;
        }
        return strbuf_str(&b);
}

const char *finding_text(struct arena *a, const struct finding *f, uint32_t vmid) {
        return fill_in(a, finding_kinds[f->code].text, f, vmid);
}

const char *finding_remedy(struct arena *a, const struct finding *f, uint32_t vmid) {
        return fill_in(a, finding_kinds[f->code].remedy, f, vmid);
}
