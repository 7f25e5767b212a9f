/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libraries - from a library's name to the file that is loaded
 *
 * A file whose version stands not in its name - bound over libcuda.so.1 itself - is known by its
 * inode, if it is the host's. The loader tries on where it finds nothing, or a library of
 * another machine.
 */
#include "host/inside/libraries.h"

#include "base/file.h"
#include "model/guest/ld-cache.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>

enum {
        CACHE_MAX = 4 << 20,
        ENVIRONMENT_MAX = 128 * 1024,
        MAX_ENTRIES = 65536,
        MAX_OTHERS = 8,
        MAX_PATH = 200,
};

#if defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_X86_64
#endif

/* LD_LIBRARY_PATH of init, which its services inherit unless they are given another. */
static const char *library_path(const struct inside *in) {
        struct bytes text, word;

        if (in->pid == 0 ||
            file_read(in->arena, arena_printf(in->arena, "/proc/%u/environ", in->pid),
                      ENVIRONMENT_MAX, &text) < 0)
                return NULL;
        while (text.len > 0) {
                word = bytes_cut(&text, '\0');
                if (bytes_take_prefix(&word, "LD_LIBRARY_PATH="))
                        return bytes_dup(in->arena, word);
        }
        return NULL;
}

static bool fits_a_line(const char *path) {
        for (const char *c = path; *c; c++)
                if (*c <= ' ' || *c > '~')
                        return false;
        return strlen(path) <= MAX_PATH;
}

static bool is_of_this_machine(int path_fd) {
        char link[64];
        Elf64_Ehdr h;
        _cleanup_(cleanup_close) int fd = -1;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd >= 0 && pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
               memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 && h.e_ident[EI_CLASS] == ELFCLASS64 &&
               h.e_machine == MACHINE;
}

/* Files of other versions beside @l: nothing loads them, until ldconfig makes the link anew. */
static const char *others(const struct inside *in, const struct driver_library *l,
                          const char *soname) {
        struct strbuf b = { .arena = in->arena };
        const char *folder = arena_strndup(in->arena, l->path,
                                           (size_t)(strrchr(l->path, '/') - l->path));
        int fd = l->version ? inside_open_folder(in, folder) : -1;
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        const struct dirent *d;

        if (!dir) {
                cleanup_close(&fd);
                return "";
        }
        for (size_t i = 0, n = 0; i < MAX_ENTRIES && n < MAX_OTHERS && (d = readdir(dir)); i++) {
                const char *v = library_version(in->arena, bytes_of(d->d_name), soname);

                if (v && !streq(v, l->version))
                        strbuf_printf(&b, "%s%s", n++ ? "," : "", v);
        }
        closedir(dir);
        return strbuf_str(&b);
}

/* Whether @path is what is loaded; then @l is filled. */
static bool try_path(const struct inside *in, const char *path, const char *soname,
                     struct driver_library *l) {
        struct inside_file file;
        _cleanup_(cleanup_close) int fd = inside_resolve(in, path, &file);

        if (fd < 0) {
                if (l->state == LIBRARY_NONE && fits_a_line(path) && inside_is_link(in, path))
                        *l = (struct driver_library){ .state = LIBRARY_DANGLING, .path = path };
                return false;
        }
        if (!is_of_this_machine(fd))
                return false;
        *l = (struct driver_library){ .state = fits_a_line(path) ? LIBRARY_FOUND : LIBRARY_UNKNOWN,
                                      .path = path,
                                      .version = library_version(in->arena, bytes_of(file.name),
                                                                 soname),
                                      .device = file.device,
                                      .inode = file.inode };
        l->others = others(in, l, soname);
        return true;
}

static void look(const struct inside *in, struct driver_library ret[DRIVER_LIBRARIES]) {
        struct ld_search s = { .library_path = library_path(in) };
        int r = inside_read(in, "/etc/ld.so.cache", CACHE_MAX, &s.cache);

        for (int i = 0; i < DRIVER_LIBRARIES; i++) {
                const char **paths;
                size_t n = ld_candidates(in->arena, &s, driver_library_names[i], &paths);

                ret[i] = (struct driver_library){ .state = LIBRARY_NONE };
                if (r < 0 && r != -ENOENT)
                        ret[i].state = LIBRARY_UNKNOWN;
                for (size_t j = 0; ret[i].state != LIBRARY_UNKNOWN && j < n; j++)
                        if (try_path(in, paths[j], driver_library_names[i], &ret[i]))
                                break;
        }
}

void libraries_look(const struct inside *in, const struct driver_library host[DRIVER_LIBRARIES],
                    struct driver_library ret[DRIVER_LIBRARIES]) {
        look(in, ret);
        for (int i = 0; i < DRIVER_LIBRARIES; i++) {
                struct driver_library *l = &ret[i];

                if (l->state != LIBRARY_FOUND || host[i].state != LIBRARY_FOUND ||
                    l->device != host[i].device || l->inode != host[i].inode)
                        continue;
                l->of_host = true;
                if (!l->version && host[i].version)
                        l->version = arena_strdup(in->arena, host[i].version);
        }
}

void libraries_of_host(struct arena *a, const char *root,
                       struct driver_library ret[DRIVER_LIBRARIES]) {
        _cleanup_(cleanup_close) int fd =
                open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        look(&(struct inside){ .arena = a, .root_fd = fd }, ret);
}

const char *nvidia_version(struct arena *a, const char *root) {
        struct bytes text;

        if (file_read(a, arena_printf(a, "%s/sys/module/nvidia/version", root), 64, &text) < 0)
                return NULL;
        text = bytes_trim(text);
        return bytes_is_name(text, ".") ? bytes_dup(a, text) : NULL;
}
