/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * held - one line per thing, and nothing that has to be quoted
 *
 *     init 4711 4026532741 4026532738
 *     node /dev/dri/card1 226:1 660 0 44 0000:c1:00.0
 *     node /dev/dri/card2 226:2 660 0 44 0000:02:00.0 added 0000:02:00.0
 *     library libcuda.so.1 found 550.163.01 - /usr/lib/x86_64-linux-gnu/libcuda.so.1
 *     gate closed 226:0 226:128
 *     gate open it has lxc.include
 */
#include "model/live/held.h"

#include "base/number.h"

const char *held_identity(const struct facts *f, struct devnum number) {
        const struct gpu *gpu;
        const struct node *n = facts_node(f, number, &gpu);

        return !n ? "none" : gpu ? gpu->address : "-";
}

static const char *const gate_names[] = {
        [GATE_UNKNOWN] = "unknown", [GATE_OFF] = "off",       [GATE_OPEN] = "open",
        [GATE_CLOSED] = "closed",   [GATE_FAILED] = "failed",
};

static const char *const unfinished_names[] = {
        [UNFINISHED_FILE] = "file",
        [UNFINISHED_ALL] = "all",
};

const char *gate_name(enum gate_state s) {
        return gate_names[s];
}

bool held_init_equal(const struct held_init *a, const struct held_init *b) {
        return a->pid == b->pid && a->mounts == b->mounts && a->users == b->users;
}

static const struct held_node *added_like(const struct held *h, const struct held_node *n) {
        for (size_t i = 0; i < h->n_nodes; i++)
                if (h->nodes[i].added && devnum_equal(h->nodes[i].number, n->number) &&
                    streq(h->nodes[i].path, n->path))
                        return &h->nodes[i];
        return NULL;
}

bool held_keep_added(const struct held *before, struct held *h) {
        bool other = false;

        for (size_t i = 0; i < before->n_nodes; i++)
                other |= before->nodes[i].added && !added_like(h, &before->nodes[i]);
        for (size_t i = 0; i < h->n_nodes; i++) {
                struct held_node *n = &h->nodes[i];
                const struct held_node *then = n->added ? added_like(before, n) : NULL;

                other |= n->added && !then;
                n->added = then ? then->added : n->added;
        }
        return other;
}

static const char *id_text(struct arena *a, int64_t id) {
        return id < 0 ? "-" : arena_printf(a, "%lld", (long long)id);
}

const char *node_owner_text(struct arena *a, uint32_t mode, int64_t uid, int64_t gid) {
        return arena_printf(a, "%o %s %s", mode, id_text(a, uid), id_text(a, gid));
}

static void write_numbers(struct arena *a, struct strbuf *b, const struct devnum *numbers,
                          size_t n) {
        for (size_t i = 0; i < n; i++)
                strbuf_printf(b, " %s", devnum_text(a, numbers[i]));
}

static void write_gate(struct arena *a, struct strbuf *b, const struct held *h) {
        strbuf_printf(b, "gate %s", gate_name(h->gate));
        write_numbers(a, b, h->refused, h->n_refused);
        if (h->gate_why)
                strbuf_printf(b, " %s", h->gate_why);
        strbuf_adds(b, "\n");
        if (h->n_asked == 0)
                return;
        strbuf_adds(b, "asked");
        write_numbers(a, b, h->asked, h->n_asked);
        strbuf_adds(b, "\n");
}

static void write_libraries(struct strbuf *b, const struct held *h) {
        for (int i = 0; i < DRIVER_LIBRARIES; i++) {
                const struct driver_library *l = &h->libraries[i];

                if (l->state != LIBRARY_UNKNOWN)
                        strbuf_printf(b, "library %s %s %s %s %s\n", driver_library_names[i],
                                      library_state_name(l->state), l->version ? l->version : "-",
                                      l->of_host ? "host" : "-", l->path ? l->path : "-");
        }
}

struct bytes held_write(struct arena *a, const struct held *h) {
        struct strbuf b = { .arena = a };

        if (h->init.pid)
                strbuf_printf(&b, "init %u %llu %llu\n", h->init.pid,
                              (unsigned long long)h->init.mounts,
                              (unsigned long long)h->init.users);
        for (size_t i = 0; i < h->n_nodes; i++) {
                const struct held_node *n = &h->nodes[i];

                strbuf_printf(&b, "node %s %s %s %s%s%s\n", n->path, devnum_text(a, n->number),
                              node_owner_text(a, n->mode, n->uid, n->gid), n->gpu,
                              n->bound   ? " bound"
                              : n->added ? " added "
                                         : "",
                              n->added ? n->added : "");
        }
        write_libraries(&b, h);
        if (h->undone)
                strbuf_printf(&b, "undone %s\n", h->undone);
        if (h->unfinished)
                strbuf_printf(&b, "unfinished %s\n", unfinished_names[h->unfinished]);
        write_gate(a, &b, h);
        return strbuf_bytes(&b);
}

static bool parse_id(struct bytes word, int64_t *ret) {
        uint32_t id = 0;
        bool none = bytes_equal(word, BYTES("-"));

        if (!none && !parse_u32(word, &id))
                return false;
        *ret = none ? -1 : (int64_t)id;
        return true;
}

static bool parse_octal(struct bytes word, uint32_t *ret) {
        uint32_t mode = 0;

        for (size_t i = 0; i < word.len; i++) {
                if (word.data[i] < '0' || word.data[i] > '7')
                        return false;
                mode = mode << 3 | (uint32_t)(word.data[i] - '0');
        }
        *ret = mode & 07777;
        return word.len > 0 && word.len <= 4;
}

bool node_owner_parse(struct bytes *rest, uint32_t *ret_mode, int64_t *ret_uid, int64_t *ret_gid) {
        return parse_octal(bytes_word(rest), ret_mode) && parse_id(bytes_word(rest), ret_uid) &&
               parse_id(bytes_word(rest), ret_gid);
}

static void read_node(struct arena *a, struct bytes line, struct held *h) {
        struct bytes path = bytes_word(&line), number = bytes_word(&line), word;
        struct held_node n = { 0 };

        if (!devnum_parse(number, &n.number) || !node_owner_parse(&line, &n.mode, &n.uid, &n.gid))
                return;
        n.path = bytes_dup(a, path);
        n.gpu = bytes_dup(a, bytes_word(&line));
        word = bytes_word(&line);
        n.bound = bytes_equal(word, BYTES("bound"));
        if (bytes_equal(word, BYTES("added")))
                n.added = bytes_dup(a, bytes_word(&line));
        if (*n.gpu)
                *ARENA_PUSH(a, h->nodes, h->n_nodes) = n;
}

static const char *word_or_null(struct arena *a, struct bytes word) {
        return word.len == 0 || bytes_equal(word, BYTES("-")) ? NULL : bytes_dup(a, word);
}

static void read_library(struct arena *a, struct bytes line, struct held *h) {
        struct bytes name = bytes_word(&line), state = bytes_word(&line);
        struct driver_library l = { .others = "" };

        while (l.state <= LIBRARY_FOUND &&
               !bytes_equal(state, bytes_of(library_state_name(l.state))))
                l.state++;
        if (l.state > LIBRARY_FOUND)
                return;
        l.version = word_or_null(a, bytes_word(&line));
        l.of_host = bytes_equal(bytes_word(&line), BYTES("host"));
        l.path = word_or_null(a, bytes_word(&line));
        for (int i = 0; i < DRIVER_LIBRARIES; i++)
                if (bytes_equal(name, bytes_of(driver_library_names[i])) &&
                    (l.path || l.state == LIBRARY_NONE))
                        h->libraries[i] = l;
}

static void read_numbers(struct arena *a, struct bytes line, struct devnum **ret, size_t *ret_n) {
        struct bytes word;
        struct devnum number;

        while ((word = bytes_word(&line)).len > 0)
                if (devnum_parse(word, &number))
                        *ARENA_PUSH(a, *ret, *ret_n) = number;
}

static void read_gate(struct arena *a, struct bytes line, struct held *h) {
        struct bytes word = bytes_word(&line);

        for (size_t i = 0; i < ELEMENTS(gate_names); i++)
                if (bytes_equal(word, bytes_of(gate_names[i])))
                        h->gate = (enum gate_state)i;
        if (h->gate != GATE_CLOSED) {
                line = bytes_trim(line);
                h->gate_why = line.len > 0 ? bytes_dup(a, line) : NULL;
                return;
        }
        read_numbers(a, line, &h->refused, &h->n_refused);
}

static void read_init(struct bytes line, struct held *h) {
        struct held_init init;

        if (parse_u32(bytes_word(&line), &init.pid) && parse_u64(bytes_word(&line), &init.mounts) &&
            parse_u64(bytes_word(&line), &init.users))
                h->init = init;
}

void held_read(struct arena *a, struct bytes text, struct held *ret) {
        *ret = (struct held){ 0 };
        while (text.len > 0) {
                struct bytes line = bytes_cut(&text, '\n'), key = bytes_word(&line);

                if (bytes_contains_char(line, '\0'))
                        continue;
                if (bytes_equal(key, BYTES("node")))
                        read_node(a, line, ret);
                else if (bytes_equal(key, BYTES("library")))
                        read_library(a, line, ret);
                else if (bytes_equal(key, BYTES("gate")))
                        read_gate(a, line, ret);
                else if (bytes_equal(key, BYTES("asked")))
                        read_numbers(a, line, &ret->asked, &ret->n_asked);
                else if (bytes_equal(key, BYTES("unfinished")))
                        ret->unfinished = bytes_equal(bytes_trim(line), BYTES("file"))
                                                  ? UNFINISHED_FILE
                                                  : UNFINISHED_ALL;
                else if (bytes_equal(key, BYTES("undone")))
                        ret->undone = bytes_dup(a, bytes_trim(line));
                else if (bytes_equal(key, BYTES("init")))
                        read_init(line, ret);
        }
}
