/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fault-judge - files of a host, its GPUs, and what a start may leave
 *
 * Shares no code with the program, so that one mistake is not made twice. Which GPU a number is
 * comes from the folder that is the host: sysfs for what has a class, /proc for NVIDIA's.
 */
#include "fault-judge.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

char host[512];

static void die(const char *what) {
        perror(what);
        exit(2);
}

/* ---- the files that a start may change ---- */

static const char *const places[] = { "etc/pve/lxc",  "etc/pve/gpuanchor",  "etc/subgid",
                                      "etc/subgid-",  "var/lib/lxc",        "var/lib/gpuanchor",
                                      "run/gpuanchor", "run/lock",          "run/gpuanchor-look" };

static void collect(struct files *f, const char *path, bool remove) {
        char full[1024];
        struct stat st;

        snprintf(full, sizeof(full), "%s/%s", host, path);
        if (stat(full, &st) < 0) /* /etc/pve/lxc is a link */
                return;
        if (S_ISDIR(st.st_mode)) {
                DIR *dir = opendir(full);

                for (struct dirent *d; dir && (d = readdir(dir));) {
                        char below[512];

                        if (d->d_name[0] == '.' && (!d->d_name[1] || d->d_name[1] == '.'))
                                continue;
                        snprintf(below, sizeof(below), "%s/%s", path, d->d_name);
                        collect(f, below, remove);
                }
                closedir(dir);
        } else if (remove) {
                unlink(full);
        } else if (S_ISREG(st.st_mode) && f->n < MOST_FILES) {
                struct file *to = &f->items[f->n++];
                int fd = open(full, O_RDONLY | O_CLOEXEC);

                snprintf(to->path, sizeof(to->path), "%s", path);
                to->mode = st.st_mode & 07777;
                to->data = malloc((size_t)st.st_size + 1);
                to->len = (size_t)read(fd, to->data, (size_t)st.st_size);
                to->data[to->len] = '\0';
                close(fd);
        }
}

void files_snapshot(struct files *f) {
        f->n = 0;
        for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
                collect(f, places[i], false);
}

void files_forget(struct files *f) {
        for (size_t i = 0; i < f->n; i++)
                free(f->items[i].data);
        f->n = 0;
}

void files_restore(const struct files *f) {
        for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
                collect(NULL, places[i], true);
        for (size_t i = 0; i < f->n; i++) {
                const struct file *from = &f->items[i];
                char full[1024];
                int fd;

                snprintf(full, sizeof(full), "%s/%s", host, from->path);
                fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, from->mode);
                if (fd < 0 || write(fd, from->data, from->len) != (ssize_t)from->len)
                        die(full);
                close(fd);
        }
}

const struct file *files_find(const struct files *f, const char *path) {
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->items[i].path, path) == 0)
                        return &f->items[i];
        return NULL;
}

bool files_same(const struct file *a, const struct file *b) {
        if (!a || !b)
                return a == b;
        return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* ---- the GPUs of the host ---- */

static bool read_text(const char *path, char *text, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;

        text[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                close(fd);
        return n > 0;
}

/* The last component of a link's target; "" if there is none. */
static void link_name(const char *path, char *name, size_t size) {
        char target[1024];
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        const char *slash;

        target[n > 0 ? n : 0] = '\0';
        slash = strrchr(target, '/');
        snprintf(name, size, "%.*s", (int)size - 1, slash ? slash + 1 : target);
}

static int gpu_index(struct devices *d, const char *name, const char *driver) {
        for (size_t i = 0; i < d->n_gpus; i++)
                if (strcmp(d->gpus[i].name, name) == 0)
                        return (int)i;
        if (d->n_gpus == MOST_GPUS)
                die("too many GPUs");
        snprintf(d->gpus[d->n_gpus].name, sizeof(d->gpus->name), "%.63s", name);
        snprintf(d->gpus[d->n_gpus].driver, sizeof(d->gpus->driver), "%.31s", driver);
        return (int)d->n_gpus++;
}

static void add_device(struct devices *d, dev_t number, int gpu) {
        if (d->n == MOST_DEVICES)
                die("too many devices");
        d->items[d->n].path[0] = '\0';
        d->items[d->n].number = number;
        d->items[d->n++].gpu = gpu;
}

static int shared_by(struct devices *d, const char *driver) {
        char name[64];

        snprintf(name, sizeof(name), "all of %.50s", driver);
        return gpu_index(d, name, driver);
}

/* What has a class says itself which device it is of. */
static void find_class(struct devices *d, const char *class) {
        char path[1024];
        struct dirent *e;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/sys/class/%s", host, class);
        dir = opendir(path);
        while (dir && (e = readdir(dir))) {
                char text[64], device[64], driver[32];
                unsigned ma, mi;

                snprintf(path, sizeof(path), "%s/sys/class/%s/%.200s/dev", host, class, e->d_name);
                if (e->d_name[0] == '.' || !read_text(path, text, sizeof(text)) ||
                    sscanf(text, "%u:%u", &ma, &mi) != 2)
                        continue;
                snprintf(path, sizeof(path), "%s/sys/class/%s/%.200s/device", host, class, e->d_name);
                link_name(path, device, sizeof(device));
                snprintf(path, sizeof(path), "%s/sys/class/%s/%.200s/device/driver", host, class,
                         e->d_name);
                link_name(path, driver, sizeof(driver));
                add_device(d, makedev(ma, mi),
                           *device ? gpu_index(d, device, driver) : shared_by(d, "amdgpu"));
        }
        if (dir)
                closedir(dir);
}

/* NVIDIA's cards have one major, and a minor that /proc names. */
static void find_nvidia(struct devices *d) {
        char path[1024], text[4096];
        struct dirent *e;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/proc/driver/nvidia/gpus", host);
        dir = opendir(path);
        while (dir && (e = readdir(dir))) {
                const char *minor_;

                snprintf(path, sizeof(path), "%s/proc/driver/nvidia/gpus/%.200s/information", host,
                         e->d_name);
                if (e->d_name[0] == '.' || !read_text(path, text, sizeof(text)))
                        continue;
                minor_ = strstr(text, "Device Minor:");
                if (minor_)
                        add_device(d, makedev(195, (unsigned)atoi(minor_ + 13)),
                                   gpu_index(d, e->d_name, "nvidia"));
        }
        if (dir)
                closedir(dir);
}

/* Whether /proc/devices gives a major of character devices to a driver whose name begins so. */
static bool has_major(unsigned major_, const char *name) {
        char path[1024], text[8192];
        char *save = NULL;

        snprintf(path, sizeof(path), "%s/proc/devices", host);
        read_text(path, text, sizeof(text));
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                unsigned number;
                char owner[64];

                if (strncmp(line, "Block", 5) == 0)
                        return false;
                if (sscanf(line, "%u %63s", &number, owner) == 2 && number == major_ &&
                    strncmp(owner, name, strlen(name)) == 0)
                        return true;
        }
        return false;
}

/* The node in /dev of a device of the list; one that is shared by NVIDIA's is found here. */
static void find_node(struct devices *d, const char *path, dev_t number) {
        for (size_t i = 0; i < d->n; i++)
                if (d->items[i].number == number && !d->items[i].path[0]) {
                        snprintf(d->items[i].path, sizeof(d->items[i].path), "%s", path);
                        return;
                }
        if (major(number) == 195 ? minor(number) >= 254 : has_major(major(number), "nvidia")) {
                add_device(d, number, shared_by(d, "nvidia"));
                snprintf(d->items[d->n - 1].path, sizeof(d->items->path), "%s", path);
        }
}

static void find_nodes(struct devices *d, const char *below) {
        char path[1024];
        struct dirent *e;
        DIR *dir;

        snprintf(path, sizeof(path), "%s/%s", host, below);
        dir = opendir(path);
        while (dir && (e = readdir(dir))) {
                char name[512];
                struct stat st;

                snprintf(name, sizeof(name), "%.255s/%.200s", below, e->d_name);
                snprintf(path, sizeof(path), "%s/%s", host, name);
                if (e->d_name[0] == '.' || lstat(path, &st) < 0)
                        continue;
                if (S_ISDIR(st.st_mode))
                        find_nodes(d, name);
                else if (S_ISCHR(st.st_mode))
                        find_node(d, name, st.st_rdev);
        }
        if (dir)
                closedir(dir);
}

void devices_find(struct devices *d) {
        *d = (struct devices){ 0 };
        find_class(d, "drm");
        find_class(d, "accel");
        find_class(d, "kfd");
        find_nvidia(d);
        find_nodes(d, "dev");
}

/* ---- what this boot gives ---- */

const char *const judged[JUDGED] = { "etc/pve/lxc/101.conf", "var/lib/lxc/101/config",
                                     "etc/pve/gpuanchor/101.conf", "etc/subgid" };

struct source {
        const char *at;
        size_t len;
        bool dev; /* of a devN line */
};

/* The next source of a mount entry or devN line of the current section; false: none. */
static bool next_source(const char **rest, struct source *ret) {
        for (const char *line = *rest; *line && line[0] != '['; line = *rest) {
                const char *value = NULL;
                bool dev = strncmp(line, "dev", 3) == 0 && line[3] >= '0' && line[3] <= '9';

                *rest = line + strcspn(line, "\n");
                *rest += **rest == '\n';
                if (dev)
                        value = line + 3 + strspn(line + 3, "0123456789");
                else if (strncmp(line, "lxc.mount.entry", 15) == 0)
                        value = line + 15;
                else
                        continue;
                value += strspn(value, " \t=:\"'");
                if (strncmp(value, "path=", 5) == 0)
                        value += 5;
                *ret = (struct source){ value, strcspn(value, " ,\t\n\r"), dev };
                return true;
        }
        return false;
}

/* The GPUs, bit by bit, whose nodes a source is or holds. */
static uint64_t gpus_at(const struct devices *d, const struct source *x) {
        char path[1024], real[4096];
        struct stat st;
        uint64_t found = 0;

        snprintf(path, sizeof(path), "%s%.*s", host, (int)x->len, x->at);
        if (x->len == 0 || x->at[0] != '/' || stat(path, &st) < 0 || !realpath(path, real))
                return 0;
        for (size_t i = 0; i < d->n; i++) {
                const char *below = real + strlen(host);

                if (S_ISCHR(st.st_mode) ? st.st_rdev == d->items[i].number
                                        : S_ISDIR(st.st_mode) && d->items[i].path[0] &&
                                                  strncmp(real, host, strlen(host)) == 0 &&
                                                  (!*below ||
                                                   (strncmp(below + 1, d->items[i].path, strlen(below + 1)) == 0 &&
                                                    d->items[i].path[strlen(below + 1)] == '/')))
                        found |= UINT64_C(1) << d->items[i].gpu;
        }
        return found;
}

/* The GPUs that device rules allow: what counts where no user namespace is around. */
static uint64_t gpus_allowed(const struct devices *d, const char *text) {
        uint64_t found = 0;

        for (const char *line = text; (line = strstr(line, "cgroup2.devices.allow")); line++) {
                char ma[16], mi[16];

                if (sscanf(line + strlen("cgroup2.devices.allow"), "%*[ =:] c %15[0-9*]:%15[0-9*]", ma, mi) != 2)
                        continue;
                for (size_t i = 0; i < d->n; i++)
                        if ((*ma == '*' || (unsigned)atoi(ma) == major(d->items[i].number)) &&
                            (*mi == '*' || (unsigned)atoi(mi) == minor(d->items[i].number)))
                                found |= UINT64_C(1) << d->items[i].gpu;
        }
        return found;
}

/* A refusal in the drop-in sets the configuration aside, since nobody looks at its exit status. */
static const struct file *find_config(const struct files *f) {
        const struct file *config = files_find(f, judged[1]);

        return config ? config : files_find(f, "var/lib/lxc/101/config.refused");
}

static const char *text_of(const struct file *f) {
        return f ? f->data : "";
}

/* What this boot gives: mounts and rules of the generated configuration, devN of the container
 * file; all of that one where nothing was generated. */
static uint64_t gpus_given(const struct devices *d, const struct files *f) {
        const char *conf = text_of(files_find(f, judged[0]));
        const struct file *config = find_config(f);
        const char *rest = conf, *rules = config ? config->data : conf;
        uint64_t found = 0;
        struct source x;

        while (next_source(&rest, &x))
                if (x.dev || !config)
                        found |= gpus_at(d, &x);
        for (rest = text_of(config); next_source(&rest, &x);)
                found |= gpus_at(d, &x);
        if (!strstr(conf, "unprivileged: 1") && !strstr(rules, "lxc.idmap"))
                found |= gpus_allowed(d, rules);
        return found;
}

/* A GPU that is given, and not by an undisturbed start; NULL: none. Who has a card may have the
 * nodes that all cards of its driver share. */
static const char *wrong_gpu(const struct story *s, const struct files *left) {
        const struct devices *d = &s->devices;
        uint64_t right = gpus_given(d, &s->after), now = gpus_given(d, left);

        for (size_t i = 0; i < d->n_gpus; i++) {
                bool good = right >> i & 1;

                for (size_t j = 0; j < d->n_gpus && strncmp(d->gpus[i].name, "all of ", 7) == 0; j++)
                        good |= (right >> j & 1) && strcmp(d->gpus[i].driver, d->gpus[j].driver) == 0;
                if ((now >> i & 1) && !good)
                        return d->gpus[i].name;
        }
        return NULL;
}

/* ---- what may be left ---- */

/* Whether a source below /dev is named that an undisturbed start does not name or give: enough
 * to refuse, since no one can tell what such a name is by the time of the boot. */
static bool names_other(const struct story *s, const struct file *f, bool dev_only) {
        const char *rest = text_of(f);
        struct source x, y;

        while (next_source(&rest, &x)) {
                bool named = strncmp(x.at, "/dev/", 5) != 0 || (dev_only && !x.dev);

                for (int i = 0; i < 2; i++)
                        for (const char *good = text_of(files_find(&s->after, judged[i]));
                             next_source(&good, &y);)
                                named |= y.len == x.len && memcmp(x.at, y.at, y.len) == 0;
                if (!named)
                        return true;
        }
        return false;
}

/* A rule, or a GPU that NVIDIA's hook is told to give. */
static bool has_other(const struct files *f, const struct story *s, const char *key) {
        for (int i = 0; i < 2; i++) {
                const struct file *now_ = i == 1 ? find_config(f) : files_find(f, judged[0]);
                const struct file *good = files_find(&s->after, judged[i]);
                const char *at = text_of(now_);

                while ((at = strstr(at, key))) {
                        char line[256];

                        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
                        if (!good || !strstr(good->data, line))
                                return true;
                        at++;
                }
        }
        return false;
}

static bool may_refuse(const struct story *s, const struct files *left) {
        const struct file *config = find_config(left);

        return s->refuses || s->status != 0 || wrong_gpu(s, left) || has_other(left, s, "devices.allow") ||
               has_other(left, s, "NVIDIA_VISIBLE_DEVICES") ||
               names_other(s, config, false) ||
               names_other(s, files_find(left, judged[0]), config != NULL);
}

static bool has_line(const char *text, const char *line, size_t len) {
        for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
                if (strncmp(text, line, len) == 0 && (text[len] == '\n' || !text[len]))
                        return true;
        return len == 0;
}

/* Lines are only added to it, one call of usermod for each. */
static bool has_lines(const struct file *all, const struct file *some) {
        for (const char *line = text_of(some); *line; line += strcspn(line, "\n"), line += *line == '\n')
                if (!has_line(text_of(all), line, strcspn(line, "\n")))
                        return false;
        return true;
}

/* A policy that was set aside whole, whatever became of the new one. */
static bool is_kept(const struct files *f, const struct file *policy) {
        for (size_t i = 0; i < f->n; i++)
                if (strstr(f->items[i].path, "/earlier/") && files_same(&f->items[i], policy))
                        return true;
        return false;
}

/* Without the digest of the lines for which a major counts until the last file is written. */
static size_t lasting(const char *line) {
        size_t len = strcspn(line, "\n"), major = strcspn(line, "\n");

        if (strncmp(line, "major = ", 8) == 0)
                while (major > 0 && line[major] != ' ')
                        major--;
        return len - major == strlen(" 0123456789abcdef") ? major : len;
}

bool is_between(const struct file *f, const struct file *before, const struct file *after) {
        if (!f || !after)
                return false;
        for (const char *line = f->data; *line; line += strcspn(line, "\n"), line += *line == '\n')
                if (!has_line(text_of(before), line, strcspn(line, "\n")) &&
                    !has_line(after->data, line, lasting(line)))
                        return false;
        for (const char *line = text_of(before); *line; line += strcspn(line, "\n"), line += *line == '\n')
                if (has_line(after->data, line, strcspn(line, "\n")) &&
                    !has_line(f->data, line, strcspn(line, "\n")))
                        return false;
        return true;
}

/* A line that a start takes out or puts back is in the container file, or in the policy. */
static bool is_line_lost(const struct story *s, const struct files *left) {
        const struct file *conf = files_find(left, judged[0]), *policy = files_find(left, judged[2]);
        bool old = files_same(conf, files_find(&s->before, judged[0]));
        bool new = files_same(conf, files_find(&s->after, judged[0]));

        if (is_kept(left, files_find(&s->before, judged[2])))
                return false;
        for (int i = 0; i < 2; i++) { /* remembered before it, and after it */
                const char *line = text_of(files_find(i ? &s->after : &s->before, judged[2]));

                for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                        size_t len = strcspn(line, "\n");

                        if (strncmp(line, "line = ", 7) == 0 && !(i ? old : new) &&
                            !has_line(text_of(conf), line + 7, len - 7) &&
                            !has_line(text_of(policy), line, len))
                                return true;
                }
        }
        return false;
}

/* The first file that is neither old nor new; NULL: none. */
static const char *torn_file(const struct story *s, const struct files *left) {
        for (int i = 0; i < JUDGED; i++) {
                const struct file *f = files_find(left, judged[i]);
                const struct file *before = files_find(&s->before, judged[i]);
                const struct file *after = files_find(&s->after, judged[i]);

                if (!files_same(f, before) && !files_same(f, after) &&
                    !(i == 3 && has_lines(f, before) && has_lines(after, f)) &&
                    !(i == 2 && is_between(f, before, after)) &&
                    !(i == 2 && !f && is_kept(left, before)) &&
                    !(i == 1 && !f && files_find(left, "var/lib/lxc/101/config.refused")))
                        return judged[i];
        }
        for (size_t i = 0; i < s->before.n; i++) { /* and nothing of any other guest */
                const struct file *f = &s->before.items[i];

                if (strncmp(f->path, "etc/pve/", 8) == 0 && strcmp(f->path, judged[0]) != 0 &&
                    strcmp(f->path, judged[2]) != 0 && !files_same(f, files_find(left, f->path)))
                        return f->path;
        }
        return NULL;
}

const char *judge(const struct story *s, const struct run *run, const struct files *left) {
        static char why[512];
        const char *wrong = torn_file(s, left);

        if (run->late)
                return "took too long";
        if (run->left)
                return "a process is left";
        if (wrong) {
                snprintf(why, sizeof(why), "%s is neither old nor new", wrong);
                return why;
        }
        if (is_line_lost(s, left))
                return "a line was taken out, and is not remembered";
        if (run->status < 0)
                return NULL;
        wrong = wrong_gpu(s, left);
        if (run->status == 0 && wrong) {
                snprintf(why, sizeof(why), "started with %s", wrong);
                return why;
        }
        if (run->status == 0 && s->status == 1 &&
            (gpus_given(&s->devices, left) & gpus_given(&s->devices, &s->after)))
                return "started, which an undisturbed start refuses";
        if (run->status == 1 && !may_refuse(s, left))
                return "refused although nothing is wrong";
        if (run->status > 1 && s->status <= 1)
                return "another exit status";
        for (size_t i = 0; i < left->n; i++)
                if (strstr(left->items[i].path, ".tmp.") && run->fault != FAULT_KILL &&
                    !(run->nr == SYS_unlink || run->nr == SYS_unlinkat))
                        return "a temporary file is left";
        return NULL;
}
