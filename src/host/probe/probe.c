/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * probe - the machine, read once
 *
 * Runs inside every container start, so it is plain reads of sysfs: a libudev
 * enumeration takes seven times as long, and needs udev's database, which an
 * early start may meet half-filled. What /dev holds is looked at, not assumed:
 * groupmod leaves old numbers on nodes, and LXC leaves empty files where a bind
 * mount found no source.
 *
 * A PCI display device counts even without a node: "bound to vfio-pci" is a
 * better answer than "no such GPU". Its attributes are read one by one: "config"
 * has them together but wakes a sleeping card, and "uevent" waits, on some
 * kernels, for a driver that is just being bound.
 */
#include "host/probe/probe.h"

#include "base/file.h"
#include "base/number.h"
#include "host/probe/groups.h"
#include "host/probe/internal.h"
#include "host/probe/subid.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
        CLASS_DISPLAY = 0x03,
        DEVICES_MAX = 64 * 1024,
};

const char *probe_path(struct probe *p, const char *path) {
        return *p->root ? arena_printf(p->arena, "%s%s", p->root, path) : path;
}

int probe_dir(struct probe *p, const char *path, DIR **ret_dir) {
        DIR *dir = opendir(probe_path(p, path));

        if (!dir && !is_gone(-errno))
                return -errno;
        *ret_dir = dir;
        return 0;
}

bool name_number(const char *name, const char *prefix, uint32_t *ret_number) {
        return str_has_prefix(name, prefix) &&
               parse_u32(bytes_of(name + strlen(prefix)), ret_number);
}

bool is_pci_address(const char *name) {
        size_t domain = strspn(name, "0123456789abcdef");
        const char *s = name + domain;
        uint32_t number;

        return domain >= 4 && domain <= 8 && strlen(s) == strlen(":00:00.0") && s[0] == ':' &&
               s[3] == ':' && s[6] == '.' && parse_hex((struct bytes){ s + 1, 2 }, 2, &number) &&
               parse_hex((struct bytes){ s + 4, 2 }, 2, &number) &&
               parse_hex((struct bytes){ s + 7, 1 }, 1, &number);
}

int attr_read(int dir, const char *name, char buf[PROBE_ATTR_SIZE], struct bytes *ret_text) {
        _cleanup_(cleanup_close) int fd = -1;
        ssize_t n;

        fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        n = read(fd, buf, PROBE_ATTR_SIZE);
        if (n < 0)
                return -errno;
        *ret_text = bytes_trim((struct bytes){ buf, (size_t)n });
        return 0;
}

int attr_dev(int dir, const char *name, uint32_t *ret_major, uint32_t *ret_minor) {
        char buf[PROBE_ATTR_SIZE];
        struct bytes text = { buf, 0 }, left;
        uint32_t major, minor;
        const char *colon;
        int r;

        r = attr_read(dir, name, buf, &text);
        if (r < 0)
                return r;
        colon = memchr(text.data, ':', text.len);
        if (!colon)
                return -EINVAL;
        left = (struct bytes){ text.data, (size_t)(colon - text.data) };
        if (!parse_u32(left, &major) ||
            !parse_u32((struct bytes){ colon + 1, text.len - left.len - 1 }, &minor))
                return -EINVAL;
        *ret_major = major;
        *ret_minor = minor;
        return 0;
}

int attr_link(struct probe *p, int dir, const char *name, const char **ret_target) {
        char target[PATH_MAX];
        const char *slash;
        ssize_t len;

        len = readlinkat(dir, name, target, sizeof(target) - 1);
        if (len < 0)
                return errno == EINVAL ? -ENOENT : -errno;
        target[len] = '\0';
        slash = strrchr(target, '/');
        *ret_target = arena_strdup(p->arena, slash ? slash + 1 : target);
        return 0;
}

static int attr_hex(int dir, const char *name, unsigned digits, uint32_t *ret, bool *known) {
        char buf[PROBE_ATTR_SIZE];
        struct bytes text = { buf, 0 };
        int r;

        r = attr_read(dir, name, buf, &text);
        if (r < 0 && !is_gone(r))
                return r;
        *known = r >= 0 && parse_hex(text, digits, ret);
        return 0;
}

static int gpu_read_pci(struct probe *p, struct gpu *g) {
        _cleanup_(cleanup_close) int dir = -1;
        struct {
                const char *name;
                uint32_t *value;
                bool known;
        } attrs[] = {
                { "vendor", &g->ids.vendor, false },
                { "device", &g->ids.device, false },
                { "subsystem_vendor", &g->ids.subvendor, false },
                { "subsystem_device", &g->ids.subdevice, false },
                { "class", &g->class, false },
        };
        int r;

        if (p->pci < 0)
                return 0;
        dir = openat(p->pci, g->address, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return is_gone(-errno) ? 0 : -errno;
        for (size_t i = 0; i < ELEMENTS(attrs); i++) {
                r = attr_hex(dir, attrs[i].name, 6, attrs[i].value, &attrs[i].known);
                if (r < 0)
                        return r;
        }
        if (!attrs[0].known || !attrs[1].known)
                g->ids = (struct pci_ids){ 0 };

        r = attr_link(p, dir, "driver", &g->driver);
        if (r < 0 && !is_gone(r))
                return r;
        r = attr_link(p, dir, "physfn", &g->physfn);
        return r < 0 && !is_gone(r) ? r : 0;
}

static struct gpu *gpu_find(struct probe *p, const char *address) {
        for (size_t i = 0; i < p->facts.n_gpus; i++)
                if (streq(p->facts.gpus[i].address, address))
                        return &p->facts.gpus[i];
        return NULL;
}

int probe_gpu(struct probe *p, const char *address, bool pci, struct gpu **ret_gpu) {
        struct gpu *g = gpu_find(p, address);
        int r;

        if (!g && p->facts.n_gpus < PROBE_MAX_GPUS) {
                g = ARENA_PUSH(p->arena, p->facts.gpus, p->facts.n_gpus);
                g->address = arena_strdup(p->arena, address);
                g->pci = pci;
                r = pci ? gpu_read_pci(p, g) : 0;
                if (r < 0)
                        return r;
        }
        *ret_gpu = g;
        return 0;
}

static int node_look(struct probe *p, struct node *node) {
        struct stat st;

        /* an absolute path, not fstatat(): umockdev fakes device numbers only there */
        if (lstat(probe_path(p, node->path), &st) < 0)
                return is_gone(-errno) ? 0 : -errno;
        if (!S_ISCHR(st.st_mode))
                node->state = NODE_FAKE;
        else if (st.st_rdev != makedev(node->major, node->minor))
                node->state = NODE_WRONG_NUMBER;
        else
                node->state = NODE_CHAR;
        node->uid = st.st_uid;
        node->gid = st.st_gid;
        node->mode = st.st_mode & 07777;
        return 0;
}

int probe_node(struct probe *p, struct node **nodes, size_t *n, enum node_kind kind,
               const char *path, uint32_t major, uint32_t minor) {
        struct node node = { .kind = kind, .path = path, .major = major, .minor = minor };
        int r;

        r = node_look(p, &node);
        if (r < 0)
                return r;
        *ARENA_PUSH(p->arena, *nodes, *n) = node;
        return 0;
}

int gpu_add_node(struct probe *p, struct gpu *g, enum node_kind kind, const char *path,
                 uint32_t major, uint32_t minor) {
        for (size_t i = 0; i < g->n_nodes; i++) {
                struct node *old = &g->nodes[i];

                if (old->kind != kind)
                        continue;
                if (old->minor <= minor)
                        return 0;
                *old = (struct node){ .kind = kind, .path = path, .major = major, .minor = minor };
                return node_look(p, old);
        }
        return probe_node(p, &g->nodes, &g->n_nodes, kind, path, major, minor);
}

/* display devices that no DRM driver has made nodes for */
static int pci_probe(struct probe *p, DIR *dir) {
        char path[NAME_MAX + sizeof("/class")];
        struct dirent *de;
        struct gpu *g;
        bool known;
        int r;

        while ((de = readdir(dir))) {
                uint32_t class;

                if (!is_pci_address(de->d_name) || gpu_find(p, de->d_name))
                        continue;
                snprintf(path, sizeof(path), "%s/class", de->d_name);
                r = attr_hex(p->pci, path, 6, &class, &known);
                if (r >= 0 && known && class >> 16 == CLASS_DISPLAY)
                        r = probe_gpu(p, de->d_name, true, &g);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool facts_major(const struct facts *f, const char *name, uint32_t *ret_major) {
        for (size_t i = 0; i < f->n_majors; i++) {
                if (!streq(f->majors[i].name, name))
                        continue;
                *ret_major = f->majors[i].major;
                return true;
        }
        return false;
}

/* "Character devices:", "226 drm" and so on, an empty line, "Block devices:" and theirs */
static void majors_parse(struct arena *a, struct bytes text, struct facts *f) {
        struct bytes word;
        uint32_t number;

        while ((word = bytes_word(&text)).len > 0 && !bytes_equal(word, BYTES("Block"))) {
                struct char_major *m;

                if (!parse_u32(word, &number))
                        continue;
                word = bytes_word(&text);
                if (word.len == 0)
                        break;
                m = ARENA_PUSH(a, f->majors, f->n_majors);
                m->major = number;
                m->name = arena_strndup(a, word.data, word.len);
        }
}

int probe_majors(struct arena *a, const char *root, struct facts *f) {
        struct bytes text;
        int r;

        if (f->n_majors > 0)
                return 0;
        r = file_read(a, arena_printf(a, "%s/proc/devices", root), DEVICES_MAX, &text);
        if (r < 0)
                return is_gone(r) ? 0 : r;
        majors_parse(a, text, f);
        return 0;
}

static int gpu_compare(const void *a, const void *b) {
        const struct gpu *x = a, *y = b;
        size_t x_len = strlen(x->address), y_len = strlen(y->address);

        if (x->pci != y->pci)
                return x->pci ? -1 : 1;
        /* 1000:… is before 10000:… */
        if (x->pci && x_len != y_len)
                return x_len < y_len ? -1 : 1;
        return strcmp(x->address, y->address);
}

static int node_compare(const void *a, const void *b) {
        const struct node *x = a, *y = b;

        return (int)x->kind - (int)y->kind;
}

/* directories come in any order; facts do not */
static void facts_sort(struct facts *f) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (f->gpus[i].n_nodes > 1)
                        qsort(f->gpus[i].nodes, f->gpus[i].n_nodes, sizeof(struct node),
                              node_compare);
        if (f->n_gpus > 1)
                qsort(f->gpus, f->n_gpus, sizeof(struct gpu), gpu_compare);
}

static int devices_probe(struct probe *p) {
        _cleanup_(cleanup_dir) DIR *pci = NULL;
        int r;

        r = probe_dir(p, "/sys/bus/pci/devices", &pci);
        if (r < 0)
                return r;
        p->pci = pci ? dirfd(pci) : -1;
        r = probe_drm(p);
        if (r < 0)
                return r;
        r = probe_accel(p);
        if (r < 0)
                return r;
        r = pci ? pci_probe(p, pci) : 0;
        if (r < 0)
                return r;
        r = probe_kfd(p);
        if (r < 0)
                return r;
        return probe_nvidia(p);
}

int probe_gpus(struct arena *a, const char *root, struct facts *ret) {
        struct probe p = { .arena = a, .root = root, .pci = -1 };
        struct facts *f = &p.facts;
        int r;

        r = devices_probe(&p);
        if (r < 0)
                return r;
        r = groups_read(a, root, f->groups);
        if (r < 0)
                return r;
        r = subgids_read(a, root, &f->subgids, &f->n_subgids);
        if (r < 0)
                return r;
        facts_sort(f);
        *ret = *f;
        return 0;
}

int probe_facts(struct arena *a, const char *root, struct facts *ret) {
        struct facts f;
        int r;

        r = probe_gpus(a, root, &f);
        if (r < 0)
                return r;
        r = probe_majors(a, root, &f);
        if (r < 0)
                return r;
        *ret = f;
        return 0;
}
