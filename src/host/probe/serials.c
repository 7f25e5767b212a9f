/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * serials - read by root once for a card and boot, kept for everybody
 *
 * NVIDIA's "information" wakes the card, and serial_number (Linux 6.18) and device_uid of xe
 * (Linux 7.4) are root's. /run/gpuanchor/serials has a line for each card:
 *
 *     0000:01:00.0 8241 9377 minor=0 nvidia=GPU-1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809 name=NVIDIA L4
 *
 * The name is the rest of its line.
 * The numbers are inodes in sysfs: of the device's folder, and of its link "driver". kernfs counts
 * them up in 64 bits (fs/kernfs/dir.c), none comes back during a boot: the line counts as long
 * as the card is plugged in, and its minor as long as its driver is bound.
 */
#include "host/probe/serials.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/number.h"
#include "base/spawn.h"
#include "host/probe/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define SERIALS_FILE "/run/gpuanchor/serials"
#define NAME " name="
#define SERIALS_MAX (256 * 1024)
#define INFORMATION_MAX (64 * 1024)
#define READ_MS (5 * 1000) /* a card that wakes takes one or two seconds */

/* ---- the file ---- */

static bool parse_line(struct arena *a, struct bytes line, struct kept_serials *ret) {
        struct kept_serials k = { 0 };
        struct bytes address = bytes_word(&line), field;
        const char *name = line.len > 0 ? memmem(line.data, line.len, NAME, strlen(NAME)) : NULL;

        if (!parse_u64(bytes_word(&line), &k.device) || !parse_u64(bytes_word(&line), &k.driver))
                return false;
        if (name) {
                size_t before = (size_t)(name - line.data) + strlen(NAME);

                k.name = arena_strndup(a, line.data + before, line.len - before);
                line.len = before - strlen(NAME);
        }
        while ((field = bytes_word(&line)).len > 0) {
                struct bytes key = bytes_cut(&field, '=');
                enum serial_kind kind;

                if (bytes_equal(key, BYTES("silent")))
                        k.silent = true;
                else if (bytes_equal(key, BYTES("minor")))
                        k.has_minor = parse_u32(field, &k.minor);
                else if (serial_kind_parse(key, &kind) && field.len > 0)
                        k.serials[kind] = bytes_dup(a, field);
        }
        k.address = bytes_dup(a, address);
        *ret = k;
        return true;
}

void serials_load(struct arena *a, const char *root, int pci, struct serials *ret) {
        const char *path = *root ? arena_printf(a, "%s" SERIALS_FILE, root) : SERIALS_FILE;
        struct kept_serials k;
        struct bytes text;

        *ret = (struct serials){ .pci = pci };
        if (file_read(a, path, SERIALS_MAX, &text) < 0)
                return;
        while (text.len > 0)
                if (parse_line(a, bytes_cut(&text, '\n'), &k))
                        *ARENA_PUSH(a, ret->cards, ret->n) = k;
}

static void write_line(struct strbuf *b, const struct kept_serials *k) {
        strbuf_printf(b, "%s %llu %llu", k->address, (unsigned long long)k->device,
                      (unsigned long long)k->driver);
        if (k->has_minor)
                strbuf_printf(b, " minor=%u", k->minor);
        for (size_t kind = 0; kind < SERIAL_KINDS; kind++)
                if (k->serials[kind])
                        strbuf_printf(b, " %s=%s", serial_kind_name(kind), k->serials[kind]);
        if (k->silent)
                strbuf_adds(b, " silent");
        if (k->name)
                strbuf_printf(b, NAME "%s", k->name);
        strbuf_adds(b, "\n");
}

static uint64_t inode(int pci, const char *name, int flags) {
        struct stat st;

        return fstatat(pci, name, &st, flags) < 0 ? 0 : (uint64_t)st.st_ino;
}

static uint64_t driver_inode(int pci, const char *address) {
        char name[NAME_MAX + sizeof("/driver")];

        snprintf(name, sizeof(name), "%s/driver", address);
        return inode(pci, name, AT_SYMLINK_NOFOLLOW);
}

const struct kept_serials *serials_find(const struct serials *s, const char *address) {
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->cards[i].address, address))
                        return s->cards[i].device == inode(s->pci, address, 0) ? &s->cards[i]
                                                                               : NULL;
        return NULL;
}

bool serials_same_driver(const struct serials *s, const struct kept_serials *kept) {
        return kept->driver != 0 && kept->driver == driver_inode(s->pci, kept->address);
}

/* ---- reading a card ---- */

static struct bytes information_value(struct bytes text, const char *key) {
        const char *found = memmem(text.data, text.len, key, strlen(key));
        struct bytes rest = { 0 };

        if (found) {
                found += strlen(key);
                rest = (struct bytes){ found, text.len - (size_t)(found - text.data) };
                rest = bytes_cut(&rest, '\n');
        }
        return bytes_trim(rest);
}

bool information_minor(struct bytes text, uint32_t *ret_minor) {
        struct bytes value = text.len > 0 ? information_value(text, "Device Minor:") : text;

        return value.len > 0 && parse_u32(bytes_word(&value), ret_minor);
}

const char *information_uuid(struct arena *a, struct bytes text) {
        struct bytes value = text.len > 0 ? information_value(text, "GPU UUID:") : text;
        const char *uuid = value.len > 0 ? bytes_dup(a, bytes_word(&value)) : NULL;

        return uuid && serial_is_plausible(uuid) ? uuid : NULL;
}

static const char *information_path(struct arena *a, const char *root, const char *address) {
        return arena_printf(a, "%s/proc/driver/nvidia/gpus/%s/information", root, address);
}

/** struct answer - of a helper that asks one card */
struct answer {
        int r;
        struct bytes text;
};

static void ask(struct arena *a, void *user, const void **ret) {
        struct answer *answer = arena_alloc(a, sizeof(*answer));

        answer->r = file_read(a, user, INFORMATION_MAX, &answer->text);
        *ret = answer;
}

int information_read(struct arena *a, const char *root, const char *address, struct bytes *ret) {
        const char *path = information_path(a, root, address);
        struct spawn_call call = { ask, (void *)path, READ_MS };
        struct spawn_result result = { 0 };
        const struct answer *answer;
        int r;

        *ret = (struct bytes){ 0 };
        if (access(path, F_OK) < 0)
                return -errno;
        r = spawn_call(a, &call, &result);
        answer = result.result;
        if (r != 0 || !answer)
                return r < 0 ? r : 0;
        if (answer->r == 0)
                *ret = answer->text;
        return answer->r;
}

static const char *read_attr(struct arena *a, int pci, const char *address, const char *attr) {
        char path[NAME_MAX + sizeof("/serial_number")], buf[SYSFS_ATTR_SIZE];
        struct bytes text = { 0 }, word;
        const char *serial;

        snprintf(path, sizeof(path), "%s/%s", address, attr);
        if (attr_read(pci, path, buf, &text) < 0 || text.len == 0)
                return NULL;
        word = bytes_word(&text);
        serial = bytes_dup(a, word);
        return serial_is_plausible(serial) ? serial : NULL;
}

/** struct reading - for the helper */
struct reading {
        const char *root;
        const struct kept_serials *before; /* what is known already stays */
};

static void read_card(struct arena *a, void *user, const void **ret) {
        const struct reading *r = user;
        struct kept_serials *k = arena_alloc(a, sizeof(*k));
        const char *serial, *path;
        struct bytes text;
        int pci;

        *k = *r->before;
        path = arena_printf(a, "%s/sys/bus/pci/devices", r->root);
        pci = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (pci < 0)
                return;
        serial = read_attr(a, pci, k->address, "serial_number");
        k->serials[SERIAL_PCI] = serial ? serial : k->serials[SERIAL_PCI];
        serial = read_attr(a, pci, k->address, "device_uid");
        k->serials[SERIAL_XE] = serial ? serial : k->serials[SERIAL_XE];
        *ret = k;
        path = information_path(a, r->root, k->address);
        if (file_read(a, path, INFORMATION_MAX, &text) == 0) {
                k->has_minor = information_minor(text, &k->minor);
                serial = information_uuid(a, text);
                k->serials[SERIAL_NVIDIA] = serial ? serial : k->serials[SERIAL_NVIDIA];
        }
        close(pci);
}

static bool is_card(int pci, const char *address) {
        char name[NAME_MAX + sizeof("/physfn")];
        uint32_t class;

        snprintf(name, sizeof(name), "%s/class", address);
        if (!is_pci_address(address) || attr_hex(pci, name, &class) < 0 ||
            (class >> 16 != CLASS_DISPLAY && class >> 16 != CLASS_ACCELERATOR))
                return false;
        snprintf(name, sizeof(name), "%s/physfn", address);
        return inode(pci, name, AT_SYMLINK_NOFOLLOW) == 0;
}

/** struct renewal - one call of serials_renew() */
struct renewal {
        struct arena *arena;
        const char *root;
        bool again;
        struct serials kept;
};

/*
 * A card that was not read in time is read again by `enable` alone: who asks next must not wait for
 * it, too. Where there was no helper, nothing is known of the card.
 */
static struct kept_serials card_serials(const struct renewal *r, const char *address) {
        const struct kept_serials *kept = serials_find(&r->kept, address);
        struct kept_serials k = { .address = arena_strdup(r->arena, address),
                                  .device = inode(r->kept.pci, address, 0),
                                  .driver = driver_inode(r->kept.pci, address) };
        struct reading reading = { .root = r->root, .before = &k };
        struct spawn_call call = { read_card, &reading, READ_MS };
        struct spawn_result result = { 0 };
        bool late;

        if (kept && kept->driver == k.driver &&
            !(r->again &&
              (kept->silent || (kept->has_minor && !kept->serials[SERIAL_NVIDIA]))))
                return *kept;
        if (kept) {
                memcpy(k.serials, kept->serials, sizeof(k.serials));
                k.name = kept->name;
        }
        late = spawn_call(r->arena, &call, &result) > 0;
        if (result.result) /* perhaps a part of it */
                k = *(const struct kept_serials *)result.result;
        k.silent = late;
        return k;
}

static int store(struct arena *a, const char *root, struct bytes text) {
        const char *path = arena_printf(a, "%s" SERIALS_FILE, root);
        struct bytes before = { 0 };
        int r = file_read(a, path, SERIALS_MAX, &before);

        if (bytes_equal(before, text) && (r == 0 || r == -ENOENT))
                return 0;
        r = mkdir_parents(arena_printf(a, "%s/run/gpuanchor", root), 0755);
        return r < 0 ? r : file_replace(path, text, 0644, 0);
}

int serials_renew(struct arena *a, const char *root, bool again) {
        struct renewal r = { .arena = a, .root = root, .again = again };
        _cleanup_(cleanup_dir) DIR *dir = opendir(arena_printf(a, "%s/sys/bus/pci/devices", root));
        struct strbuf b = { .arena = a };
        struct dirent *de;
        int e;

        if (!dir)
                return is_gone(-errno) ? 0 : -errno;
        serials_load(a, root, dirfd(dir), &r.kept);
        while ((e = folder_next(dir, &de)) > 0)
                if (is_card(dirfd(dir), de->d_name)) {
                        struct kept_serials k = card_serials(&r, de->d_name);

                        write_line(&b, &k);
                }
        return e < 0 ? e : store(a, root, strbuf_bytes(&b));
}

static bool is_one_line(const char *name) {
        return *name && !strchr(name, '\n') && !strchr(name, '\r');
}

int serials_keep_names(struct arena *a, const char *root, const struct facts *f) {
        struct strbuf b = { .arena = a };
        struct serials s;

        serials_load(a, root, -1, &s);
        for (size_t i = 0; i < s.n; i++) {
                const struct gpu *g = facts_find_gpu(f, s.cards[i].address);

                if (g && g->name && is_one_line(g->name))
                        s.cards[i].name = g->name;
                write_line(&b, &s.cards[i]);
        }
        return s.n > 0 ? store(a, root, strbuf_bytes(&b)) : 0;
}
