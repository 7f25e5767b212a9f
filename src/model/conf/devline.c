/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * devline - syntax of the lines that give devices to a container
 *
 * Four syntaxes of three programs: Proxmox's property string (devN), LXC's
 * fstab line, the kernel's device cgroup rule and an id map. Each parser has
 * the line that it reads above it.
 */
#include "model/conf/devline.h"

#include "base/number.h"
#include "model/finding/reason.h"

#define MOUNT_OPTIONS "none bind,optional,create=file"

static bool is_number(struct bytes s) {
        uint32_t ignored;

        return parse_u32(s, &ignored);
}

/* "/dev/./dri//card1/" is /dev/dri/card1; ".." goes up by name, as no link is on the way. */
static struct bytes path_clean(struct arena *a, struct bytes path) {
        char *clean = arena_alloc(a, path.len + 2);
        bool absolute = path.len > 0 && path.data[0] == '/';
        size_t len = 0;

        while (path.len > 0) {
                struct bytes name = bytes_cut(&path, '/');

                if (name.len == 0 || bytes_equal(name, BYTES(".")))
                        continue;
                if (absolute && bytes_equal(name, BYTES(".."))) {
                        while (len > 0 && clean[--len] != '/')
                                ;
                        continue;
                }
                if (absolute || len > 0)
                        clean[len++] = '/';
                memcpy(clean + len, name.data, name.len);
                len += name.len;
        }
        if (absolute && len == 0)
                clean[len++] = '/';
        clean[len] = '\0';
        return (struct bytes){ clean, len };
}

static bool is_folder(struct gpu_path *p) {
        for (size_t i = NODE_FAMILIES; i-- > 0;) {
                const struct family *f = &families[i];

                if (!family_has_folder(f) || !bytes_equal(p->clean, bytes_of(f->folder)))
                        continue;
                p->kind = f->kind;
                p->kinds |= NODE_BIT(f->kind);
        }
        return p->kinds != 0;
}

struct gpu_path gpu_path_parse(struct arena *a, struct bytes path) {
        struct gpu_path p = { .clean = path_clean(a, path) };
        const struct family *f = NULL;

        if (bytes_equal(p.clean, BYTES("/")) || bytes_equal(p.clean, BYTES("/dev")))
                p.scope = PATH_ALL;
        else if (!bytes_has_prefix(p.clean, "/dev/")) /* as all folders of families begin */
                p.scope = PATH_OTHER;
        else if (is_folder(&p))
                p.scope = PATH_FOLDER;
        else if ((f = family_of_link(p.clean, &p.address)))
                p.scope = PATH_ADDRESS;
        else if ((f = family_of_path(p.clean)))
                p.scope = PATH_NODE;
        else if ((f = family_near(p.clean)))
                p.scope = PATH_UNKNOWN;
        if (f)
                p.kind = f->kind;
        p.family = p.scope == PATH_NODE || p.scope == PATH_ADDRESS ? f : NULL;
        return p;
}

/* "/dev/dri/card1/": which GPU is meant is clear, but the kernel answers ENOTDIR. */
static bool is_node_with_slash(const struct devline *d) {
        return (d->path.scope == PATH_NODE || d->path.scope == PATH_ADDRESS) &&
               d->raw_path.data[d->raw_path.len - 1] == '/';
}

static struct bytes unquote(struct bytes v) {
        if (v.len >= 2 && (v.data[0] == '"' || v.data[0] == '\'') && v.data[v.len - 1] == v.data[0])
                return (struct bytes){ v.data + 1, v.len - 2 };
        return v;
}

/*
 * "none bind,optional,create=file": a node can only be bound, and LXC knows two values of create=. A
 * line wider than its terminal was cut, by nano with ">". A "relative" source is the container's.
 */
static bool mount_options_ok(struct bytes options, bool *ret_bind, bool *ret_own) {
        struct bytes type = bytes_word(&options), flags = bytes_word(&options);
        bool cut = type.len == 0 || flags.len == 0 || bytes_contains_char(flags, '>');

        while (flags.len > 0) {
                struct bytes flag = bytes_cut(&flags, ',');

                *ret_bind |= BYTES_IN(flag, "bind", "rbind");
                *ret_own |= bytes_equal(flag, BYTES("relative"));
                cut |= bytes_begins(flag, "create=file") || bytes_begins(flag, "optional") ||
                       (bytes_take_prefix(&flag, "create") && !BYTES_IN(flag, "=file", "=dir"));
        }
        return !cut && *ret_bind;
}

/* "/srv/my\040gpu": as getmntent() of glibc, with which LXC reads the line */
static const char *mount_unescape(struct arena *a, struct bytes s) {
        static const struct {
                const char *text;
                char c;
        } escapes[] = { { "\\040", ' ' }, { "\\011", '\t' }, { "\\012", '\n' }, { "\\134", '\\' },
                        { "\\\\", '\\' } };
        struct strbuf b = { .arena = a };

        while (s.len > 0) {
                char c = s.data[0];
                size_t i = 0;

                while (i < ELEMENTS(escapes) && !bytes_take_prefix(&s, escapes[i].text))
                        i++;
                if (i < ELEMENTS(escapes))
                        c = escapes[i].c;
                else
                        s = bytes_from(s, 1);
                strbuf_add(&b, &c, 1);
        }
        return strbuf_str(&b);
}

/* /dev/dri/card1 dev/dri/card1 none bind,optional,create=file 0 0 */
static void parse_mount(struct arena *a, struct bytes value, struct devline *d) {
        struct bytes rest = unquote(value);
        bool bind = false, own = false, ok;

        d->type = DEVLINE_MOUNT;
        d->raw_path = bytes_word(&rest);
        d->target = bytes_word(&rest);
        d->options = bytes_trim(rest);
        while (bytes_take_prefix(&d->target, "/"))
                ;
        d->target_path = gpu_path_parse(
                a, bytes_of(arena_printf(a, "/%.*s", (int)d->target.len, d->target.data)));
        d->path = gpu_path_parse(a, d->raw_path);
        ok = mount_options_ok(d->options, &bind, &own);
        if (own)
                d->type = DEVLINE_NONE;
        else if (bind)
                d->source = mount_unescape(a, d->raw_path);
        if (d->target.len == 0)
                d->broken = WHY_LINE_NO_TARGET;
        else if (is_node_with_slash(d))
                d->broken = WHY_LINE_SLASH;
        else if (!ok)
                d->broken = WHY_LINE_OPTIONS;
        d->odd = d->target.len == 0 || !ok;
}

/*
 * The numbers of a rule. In a key of cgroup v1, which nothing reads now, they may be the ones of
 * stat -c %t:%T, which are hexadecimal.
 */
static void parse_numbers(struct bytes major, struct bytes minor, struct devline *d) {
        bool hex;

        d->any_major = bytes_equal(major, BYTES("*"));
        d->any_minor = bytes_equal(minor, BYTES("*"));
        hex = d->legacy && !d->any_major && !is_number(major) && parse_hex(major, 3, &d->number.major);
        if (!hex && !d->any_major && !parse_u32(major, &d->number.major))
                d->broken = WHY_RULE_MAJOR, d->any_major = true;
        else if (!d->any_minor && !(hex ? parse_hex(minor, 5, &d->number.minor)
                                        : parse_u32(minor, &d->number.minor)))
                d->broken = WHY_RULE_MINOR, d->any_minor = true;
}

/*
 * /dev/dri/renderD128 rw
 *
 * LXC follows links, takes the device's number, and ends the start if there is none
 * (device_cgroup_rule_parse_devpath() of its cgfsng.c); in devices.allow alone.
 */
static void parse_path_rule(struct arena *a, struct bytes value, struct devline *d) {
        struct bytes rest = unquote(value);

        d->by_path = true;
        d->device_type = 'c';
        d->raw_path = bytes_word(&rest);
        d->access = bytes_trim(rest);
        d->path = gpu_path_parse(a, d->raw_path);
        d->source = bytes_dup(a, d->raw_path);
        if (d->access.len == 0 || !memchr("rwm", d->access.data[0], 3))
                d->broken = WHY_RULE_ACCESS;
}

/* c 226:128 rwm  |  c 226:* rwm #igpu  |  a */
static void parse_rule(struct bytes value, struct devline *d, enum devline_type type) {
        struct bytes rest = unquote(value), word = bytes_word(&rest), number = bytes_word(&rest);
        struct bytes major = number, minor = { 0 };

        d->type = type;
        d->access = bytes_trim(rest);
        if (bytes_equal(word, BYTES("a"))) {
                d->device_type = 'a';
                d->any_major = d->any_minor = true;
                return;
        }
        if (!BYTES_IN(word, "c", "b")) {
                d->broken = WHY_RULE_TYPE;
                return;
        }
        d->device_type = word.data[0];
        d->number.block = d->device_type == 'b';
        d->raw_number = number;
        bytes_split(number, ':', &major, &minor);
        parse_numbers(major, minor, d);
        if (!d->broken && (d->access.len == 0 || !memchr("rwm", d->access.data[0], 3)))
                d->broken = WHY_RULE_ACCESS;
}

static void parse_allow(struct arena *a, struct bytes value, struct devline *d) {
        d->type = DEVLINE_ALLOW;
        if (unquote(value).len > 0 && unquote(value).data[0] == '/')
                parse_path_rule(a, value, d);
        else
                parse_rule(value, d, DEVLINE_ALLOW);
}

/* Where an inline comment begins: Proxmox would take it as part of the value and fail. */
static struct bytes without_comment(struct bytes value) {
        for (size_t i = 1; i < value.len; i++)
                if (value.data[i] == '#' && (value.data[i - 1] == ' ' || value.data[i - 1] == '\t'))
                        return bytes_trim((struct bytes){ value.data, i });
        return value;
}

/* One of the options behind the path; says what is wrong with it, NULL when nothing is. */
static const char *check_dev_option(struct bytes option, struct devline *d) {
        struct bytes value = option;

        if (bytes_take_prefix(&value, "uid="))
                return is_number(value) ? NULL : WHY_DEV_UID;
        if (bytes_take_prefix(&value, "mode="))
                return value.len == 4 && is_number(value) ? NULL : WHY_DEV_MODE;
        if (bytes_take_prefix(&value, "deny-write=")) {
                d->deny_write = BYTES_IN(value, "1", "yes", "on", "true");
                return NULL;
        }
        return WHY_DEV_OPTION;
}

/* It goes with one of the commas beside it; "mode=660" has a way to be right. */
static void add_wrong(struct arena *a, struct bytes option, struct devline *d) {
        const char *start = d->clean.data, *end = start + d->clean.len;
        struct token *t = ARENA_PUSH(a, d->wrong, d->n_wrong);
        struct bytes mode = option;

        if (bytes_take_prefix(&mode, "mode=") && mode.len == 3 && is_number(mode)) {
                *t = (struct token){ mode, arena_printf(a, "0%.3s", mode.data) };
                return;
        }
        if (option.data > start && option.data[-1] == ',')
                option = (struct bytes){ option.data - 1, option.len + 1 };
        else if (option.data + option.len < end && option.data[option.len] == ',')
                option.len++;
        *t = (struct token){ option, "" };
}

/* Of two paths the first that is a GPU's counts. */
static void take_path(struct arena *a, struct bytes option, struct devline *d) {
        bool first = d->path_option.len == 0;
        bool counts = first || gpu_path_parse(a, d->raw_path).scope == PATH_OTHER;

        if (!first) {
                d->broken = WHY_DEV_TWO_PATHS;
                add_wrong(a, counts ? d->path_option : option, d);
        }
        if (!counts)
                return;
        d->path_option = d->raw_path = option;
        bytes_take_prefix(&d->raw_path, "path=");
}

static void parse_dev_option(struct arena *a, struct bytes option, struct devline *d,
                             struct strbuf *rest) {
        struct bytes value = option;
        const char *problem;

        if (bytes_has_prefix(option, "path=") || !bytes_contains_char(option, '=')) {
                take_path(a, option, d);
                return;
        }
        if (bytes_take_prefix(&value, "gid=")) {
                d->raw_gid = value;
                if (is_number(value))
                        d->gid = value;
                else
                        d->broken = WHY_DEV_GID;
                return;
        }
        problem = check_dev_option(option, d);
        if (problem) {
                d->broken = problem;
                add_wrong(a, option, d);
                return;
        }
        strbuf_printf(rest, ",%.*s", (int)option.len, option.data);
}

/* dev0: /dev/dri/renderD128,gid=104,uid=0,mode=0660,deny-write=1 */
static void parse_dev(struct arena *a, struct bytes value, struct devline *d) {
        struct bytes clean = without_comment(value);
        struct strbuf rest = { .arena = a };

        d->clean = clean;
        if (clean.len != value.len)
                d->broken = WHY_DEV_COMMENT;
        while (clean.len > 0) {
                struct bytes option = bytes_trim(bytes_cut(&clean, ','));

                if (option.len > 0)
                        parse_dev_option(a, option, d, &rest);
        }
        d->type = DEVLINE_DEV;
        d->rest = strbuf_str(&rest);
        d->path = gpu_path_parse(a, d->raw_path);
        d->source = arena_strndup(a, d->raw_path.data, d->raw_path.len);
        if (is_node_with_slash(d))
                d->broken = WHY_LINE_SLASH;
}

struct devline devline_parse(struct arena *a, const struct conf_line *l) {
        struct devline d = { .type = DEVLINE_NONE, .rest = "" };

        if (!bytes_has_prefix(l->key, "lxc.") && !bytes_has_prefix(l->key, "dev"))
                return d;
        d.legacy = bytes_equal(l->key, BYTES("lxc.cgroup.devices.allow"));
        if (d.legacy || bytes_equal(l->key, BYTES("lxc.cgroup2.devices.allow"))) {
                parse_allow(a, l->value, &d);
        } else if (bytes_equal(l->key, BYTES("lxc.cgroup2.devices.deny"))) {
                parse_rule(l->value, &d, DEVLINE_DENY);
        } else if (bytes_equal(l->key, BYTES("lxc.mount.entry"))) {
                parse_mount(a, l->value, &d);
        } else if (bytes_equal(l->key, BYTES("lxc.idmap"))) {
                d.type = DEVLINE_IDMAP;
        } else if (parse_u32(bytes_from(l->key, 3), &d.index)) {
                parse_dev(a, l->value, &d);
        }
        return d;
}

const char *devline_edit(struct arena *a, struct bytes text, const struct token *tokens, size_t n) {
        struct strbuf b = { .arena = a };
        const char *from = text.data;

        for (size_t i = 0; i < n; i++) {
                const struct token *t = &tokens[i]; /* two may share the comma between them */

                if (t->part.len == 0 || t->part.data + t->part.len <= from)
                        continue;
                strbuf_add(&b, from, t->part.data > from ? (size_t)(t->part.data - from) : 0);
                strbuf_adds(&b, t->new);
                from = t->part.data + t->part.len;
        }
        strbuf_add(&b, from, (size_t)(text.data + text.len - from));
        return strbuf_str(&b);
}

struct bytes devline_option(const struct devline *d, const char *name) {
        struct bytes rest = d->options, type = bytes_word(&rest), flags = bytes_word(&rest);

        while (type.len > 0 && flags.len > 0) {
                struct bytes flag = bytes_cut(&flags, ',');

                if (bytes_equal(flag, bytes_of(name)))
                        return flag;
        }
        return (struct bytes){ 0 };
}

const char *devline_mount_value(struct arena *a, struct bytes source, const char *path,
                                struct bytes options) {
        if (options.len == 0)
                options = BYTES(MOUNT_OPTIONS);
        return arena_printf(a, "%.*s %s %.*s", (int)source.len, source.data, path + 1,
                            (int)options.len, options.data);
}

const char *devline_dev_value(struct arena *a, const char *path, int64_t gid, const char *rest) {
        if (gid < 0)
                return arena_printf(a, "%s%s", path, rest);
        return arena_printf(a, "%s,gid=%lld%s", path, (long long)gid, rest);
}
