/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy-edit - settings into a file that somebody else may have written
 *
 * The [container] section belongs to the owner of the container, with his
 * comments and his order; what he asked for on the command line changes its own
 * lines and nothing else.
 */
#include "cli/enrol/policy-edit.h"

#include "model/policy/ini.h"
#include "model/policy/key.h"

#define NEW_FILE                                                                                   \
        "# Policy of one container for gpuanchor: settings go under [container], see\n"            \
        "# gpuanchor.conf(5). The sections [pin NODE] and [memory] are written by gpuanchor.\n"

const char *setting_problem(struct arena *a, const struct setting *s) {
        struct policy scratch;

        for (const char *c = s->value; *c; c++)
                if ((unsigned char)*c < ' ' || *c == 0x7f || *c == ';')
                        return arena_printf(
                                a, "%s: control characters and ; cannot stand in a policy", s->key);
        if (strlen(s->key) + strlen(" = ") + strlen(s->value) > INI_LINE_MAX)
                return arena_printf(a, "%s: the value is too long, a line holds %d bytes", s->key,
                                    INI_LINE_MAX);
        policy_init(a, &scratch);
        return policy_set(a, &scratch, s->key, s->value);
}

/* One line with its end off the front of @rest. */
static struct bytes cut_line(struct bytes *rest) {
        const char *lf = memchr(rest->data, '\n', rest->len);
        struct bytes line = { rest->data, lf ? (size_t)(lf + 1 - rest->data) : rest->len };

        rest->data += line.len;
        rest->len -= line.len;
        return line;
}

/* "gpu" of "gpu = auto"; inih takes : for = as well */
static struct bytes key_of(struct bytes entry, struct bytes *ret_value) {
        size_t n = 0;

        while (n < entry.len && entry.data[n] != '=' && entry.data[n] != ':')
                n++;
        *ret_value = n < entry.len
                             ? bytes_trim((struct bytes){ entry.data + n + 1, entry.len - n - 1 })
                             : (struct bytes){ 0 };
        return bytes_trim((struct bytes){ entry.data, n });
}

static void add_setting(struct strbuf *b, const struct setting *s, bool crlf) {
        strbuf_printf(b, "%s = %s%s", s->key, s->value, crlf ? "\r\n" : "\n");
}

/* The file while it is copied; a setting is done once it stands in the copy. */
struct editor {
        struct strbuf out;
        const struct setting *settings;
        size_t n;
        bool *done;
        bool inside, crlf;
        size_t end; /* of the section's last line that says something, in @out; 0 before it */
};

static const struct setting *setting_of(const struct editor *e, struct bytes key, size_t *ret) {
        for (*ret = 0; *ret < e->n; ++*ret)
                if (bytes_equal(key, bytes_of(e->settings[*ret].key)))
                        return &e->settings[*ret];
        return NULL;
}

static void copy_line(struct editor *e, struct bytes line) {
        struct bytes text = { 0 }, value;
        enum ini_line kind = ini_line(line, &text);
        const struct setting *s = NULL;
        size_t i;

        if (kind == INI_LINE_HEADING)
                e->inside = bytes_equal(text, BYTES("container"));
        if (kind == INI_LINE_ENTRY && e->inside)
                s = setting_of(e, key_of(text, &value), &i);
        if (!s) {
                strbuf_add(&e->out, line.data, line.len);
        } else if (!e->done[i]) {
                add_setting(&e->out, s, e->crlf);
                e->done[i] = true;
        }
        if (e->inside && kind != INI_LINE_NONE)
                e->end = e->out.len;
}

/* What was not there yet, behind the section's last entry or in a section of its own. */
static struct bytes add_rest(struct arena *a, struct editor *e) {
        struct bytes all = strbuf_bytes(&e->out);
        struct strbuf b = { .arena = a };
        size_t cut = e->end > 0 ? e->end : all.len;
        bool rest = false;

        for (size_t i = 0; i < e->n; i++)
                rest |= !e->done[i];
        if (!rest)
                return all;
        strbuf_add(&b, all.data, cut);
        if (cut > 0 && all.data[cut - 1] != '\n')
                strbuf_adds(&b, e->crlf ? "\r\n" : "\n");
        if (e->end == 0)
                strbuf_adds(&b, e->crlf ? "\r\n[container]\r\n" : "\n[container]\n");
        for (size_t i = 0; i < e->n; i++)
                if (!e->done[i])
                        add_setting(&b, &e->settings[i], e->crlf);
        strbuf_add(&b, all.data + cut, all.len - cut);
        return strbuf_bytes(&b);
}

struct bytes policy_edit(struct arena *a, struct bytes file, const struct setting *settings,
                         size_t n_settings) {
        struct bytes rest = file.len > 0 ? file : BYTES(NEW_FILE);
        const char *lf = file.len > 0 ? memchr(file.data, '\n', file.len) : NULL;
        struct editor e = {
                .out = { .arena = a },
                .settings = settings,
                .n = n_settings,
                .done = arena_alloc(a, n_settings + 1),
                .crlf = lf && lf > file.data && lf[-1] == '\r',
        };

        if (n_settings == 0)
                return file;
        if (rest.len >= 3 && memcmp(rest.data, "\xef\xbb\xbf", 3) == 0) {
                strbuf_add(&e.out, rest.data, 3);
                rest.data += 3;
                rest.len -= 3;
        }
        while (rest.len > 0)
                copy_line(&e, cut_line(&rest));
        return add_rest(a, &e);
}

const char *policy_value(struct arena *a, struct bytes file, const char *key) {
        const char *found = NULL;
        bool inside = false;

        while (file.len > 0) {
                struct bytes text = { 0 }, value;
                enum ini_line kind = ini_line(cut_line(&file), &text);

                if (kind == INI_LINE_HEADING)
                        inside = bytes_equal(text, BYTES("container"));
                if (kind == INI_LINE_ENTRY && inside &&
                    bytes_equal(key_of(text, &value), bytes_of(key)))
                        found = value.len > 0 ? arena_strndup(a, value.data, value.len) : NULL;
        }
        return found;
}
