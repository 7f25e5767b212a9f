/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ini - where a section and an entry begin, as inih sees it
 */
#include "model/policy/ini.h"

#include "base/number.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* isspace() of the C locale, by which inih trims */
static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trim(struct bytes s) {
        while (s.len > 0 && is_space(s.data[0])) {
                s.data++;
                s.len--;
        }
        while (s.len > 0 && is_space(s.data[s.len - 1]))
                s.len--;
        return s;
}

static bool says_nothing(struct bytes text) {
        return text.len == 0 || text.data[0] == '#' || text.data[0] == ';';
}

struct ini_line ini_line(struct bytes raw) {
        struct ini_line line = { raw, INI_ENTRY, trim(raw) };
        struct bytes name = line.text, behind;

        if (says_nothing(line.text)) {
                line.kind = INI_NONE;
        } else if (bytes_take_prefix(&name, "[") && bytes_split(name, ']', &name, &behind) &&
                   says_nothing(trim(behind))) {
                line.kind = INI_HEADING;
                line.text = trim(name);
        }
        return line;
}

struct bytes ini_take_mark(struct bytes *file) {
        struct bytes mark = { file->data, strlen(BYTE_ORDER_MARK) };

        return bytes_take_prefix(file, BYTE_ORDER_MARK) ? mark : (struct bytes){ 0 };
}

static void push(struct ini *f, struct bytes raw) {
        *ARENA_PUSH(f->arena, f->lines, f->n) = ini_line(raw);
}

void ini_split(struct arena *a, struct bytes file, struct ini *ret) {
        *ret = (struct ini){ .arena = a, .mark = ini_take_mark(&file), .line_end = "\n" };
        while (file.len > 0)
                push(ret, bytes_line(&file));
        if (ret->n > 0 &&
            bytes_take_suffix(&(struct bytes){ ret->lines[0].raw.data, ret->lines[0].raw.len },
                              "\r\n"))
                ret->line_end = "\r\n";
}

struct bytes ini_bytes(const struct ini *f) {
        struct strbuf b = { .arena = f->arena };

        strbuf_add_bytes(&b, f->mark);
        for (size_t i = 0; i < f->n; i++)
                strbuf_add_bytes(&b, f->lines[i].raw);
        return strbuf_bytes(&b);
}

static bool is_section(const struct ini_line *line, const char *section) {
        struct bytes text = line->text, wanted = bytes_of(section), word;

        do {
                word = bytes_word(&wanted);
                if (!bytes_equal(bytes_word(&text), word))
                        return false;
        } while (word.len > 0);
        return true;
}

/* the value of an entry of this key, for which inih takes : as well as = */
static bool is_key(const struct ini_line *line, const char *key, struct bytes *ret_value) {
        struct bytes text = line->text;
        size_t n = 0;

        while (n < text.len && text.data[n] != '=' && text.data[n] != ':')
                n++;
        *ret_value = bytes_trim(bytes_from(text, n + (n < text.len)));
        return bytes_equal(bytes_trim((struct bytes){ text.data, n }), bytes_of(key));
}

const char *ini_get(const struct ini *f, const char *section, const char *key) {
        const char *found = NULL;
        bool inside = false;

        for (size_t i = 0; i < f->n; i++) {
                const struct ini_line *line = &f->lines[i];
                struct bytes value;

                if (line->kind == INI_HEADING)
                        inside = is_section(line, section);
                if (line->kind == INI_ENTRY && inside && is_key(line, key, &value))
                        found = value.len > 0 ? bytes_dup(f->arena, value) : NULL;
        }
        return found;
}

/* what comes behind line @i begins a line of its own */
static void end_line(struct ini *f, size_t i, const char *line_end) {
        struct strbuf b = { .arena = f->arena };
        struct bytes *raw = &f->lines[i].raw;

        if (raw->len == 0 || raw->data[raw->len - 1] == '\n')
                return;
        strbuf_add_bytes(&b, *raw);
        strbuf_adds(&b, line_end);
        *raw = strbuf_bytes(&b);
}

static void add_heading(struct ini *f, const char *section, const char *line_end) {
        if (f->n > 0) {
                end_line(f, f->n - 1, line_end);
                push(f, bytes_of(line_end));
        }
        push(f, bytes_of(arena_printf(f->arena, "[%s]%s", section, line_end)));
}

/* whether a line has this key; further ones become empty, and still count for section_end() */
static bool set_there(struct ini *f, const char *section, const char *key, struct bytes raw) {
        bool inside = false, done = false;
        struct bytes value;

        for (size_t i = 0; i < f->n; i++) {
                struct ini_line *line = &f->lines[i];

                if (line->kind == INI_HEADING)
                        inside = is_section(line, section);
                if (line->kind != INI_ENTRY || !inside || !is_key(line, key, &value))
                        continue;
                line->raw = done ? (struct bytes){ 0 } : raw;
                line->text = ini_line(line->raw).text;
                done = true;
        }
        return done;
}

/* behind the last line of the section that is no comment; 0 without the section */
static size_t section_end(const struct ini *f, const char *section) {
        bool inside = false;
        size_t end = 0;

        for (size_t i = 0; i < f->n; i++) {
                if (f->lines[i].kind == INI_HEADING)
                        inside = is_section(&f->lines[i], section);
                if (f->lines[i].kind != INI_NONE && inside)
                        end = i + 1;
        }
        return end;
}

void ini_set(struct ini *f, const char *section, const char *key, const char *value) {
        const char *raw = arena_printf(f->arena, "%s = %s%s", key, value, f->line_end);
        size_t end;

        if (set_there(f, section, key, bytes_of(raw)))
                return;
        end = section_end(f, section);
        if (end == 0) {
                add_heading(f, section, f->line_end);
                end = f->n;
        }
        end_line(f, end - 1, f->line_end);
        push(f, (struct bytes){ 0 });
        memmove(&f->lines[end + 1], &f->lines[end], (f->n - end - 1) * sizeof(*f->lines));
        f->lines[end] = ini_line(bytes_of(raw));
}

/* LF as it has always been, whatever the rest of the file has: the bytes must not change */
static void add_section(struct ini *f, struct ini_section *s) {
        if (s->entries.len == 0)
                return;
        add_heading(f, s->name, "\n");
        while (s->entries.len > 0)
                push(f, bytes_line(&s->entries));
}

static struct ini_section *find_section(struct ini_section *sections, size_t n,
                                        const struct ini_line *line) {
        for (size_t i = 0; i < n; i++)
                if (is_section(line, sections[i].name))
                        return &sections[i];
        return NULL;
}

void ini_replace(struct ini *f, struct ini_section *sections, size_t n) {
        struct ini out = { .arena = f->arena, .mark = f->mark, .line_end = f->line_end };
        struct ini_section *inside = NULL;

        for (size_t i = 0; i < f->n; i++) {
                const struct ini_line *line = &f->lines[i];

                if (line->kind == INI_HEADING)
                        inside = find_section(sections, n, line);
                if (!inside || line->kind == INI_NONE) {
                        push(&out, line->raw);
                } else if (line->kind == INI_HEADING) {
                        if (out.n > 0 && bytes_equal(out.lines[out.n - 1].raw, BYTES("\n")))
                                out.n--;
                        add_section(&out, inside);
                }
        }
        for (size_t i = 0; i < n; i++)
                add_section(&out, &sections[i]);
        *f = out;
}

/* ---- text that inih would cut ---- */

size_t ini_escaped_size(const char *line, size_t i, size_t len) {
        unsigned char c = (unsigned char)line[i];

        if (c == '\\')
                return 2;
        if (c < ' ' || c == 0x7f || c == ';')
                return 4;
        if (c == ' ' && (i == 0 || i == len - 1))
                return 4;
        return 1;
}

void ini_escape(struct strbuf *b, const char *line, size_t len) {
        for (size_t i = 0; i < len; i++) {
                size_t size = ini_escaped_size(line, i, len);

                if (size == 4)
                        strbuf_printf(b, "\\x%02x", (unsigned char)line[i]);
                else
                        strbuf_add(b, size == 2 ? "\\\\" : line + i, size);
        }
}

const char *ini_unescape(struct arena *a, const char *text) {
        char *out = arena_alloc(a, strlen(text) + 1);
        size_t n = 0;

        for (; *text; text++) {
                uint32_t c;

                if (*text != '\\') {
                        out[n++] = *text;
                } else if (text[1] == '\\') {
                        out[n++] = *++text;
                } else if (text[1] == 'x' && strlen(text) >= 4 &&
                           parse_hex((struct bytes){ text + 2, 2 }, 2, &c) && c > 0) {
                        out[n++] = (char)c;
                        text += 3;
                } else {
                        return NULL;
                }
        }
        return n > 0 ? out : NULL;
}
