/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-libraries - which library of NVIDIA's driver a container loads, and what that means */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "host/inside/libraries.h"
#include "model/guest/ld-cache.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#if defined(__aarch64__)
#define FLAGS 0x0a03
#define MACHINE EM_AARCH64
#define MULTIARCH "aarch64-linux-gnu"
#else
#define FLAGS 0x0303
#define MACHINE EM_X86_64
#define MULTIARCH "x86_64-linux-gnu"
#endif

static struct arena arena;
static char box[] = "/tmp/libraries-test-XXXXXX";

/* ---- a cache ---- */

struct entry {
        uint32_t flags;
        const char *name, *path;
        uint64_t hwcap;
};

static void put32(struct strbuf *b, uint32_t n) {
        strbuf_add(b, (const char *)&n, sizeof(n));
}

/* As ldconfig writes it; with @old, behind the table of old loaders. */
static struct bytes cache_of(const struct entry *e, size_t n, bool old) {
        struct strbuf b = { .arena = &arena }, strings = { .arena = &arena };
        uint32_t base = (uint32_t)(48 + n * 24);

        if (old) {
                strbuf_add(&b, "ld.so-1.7.0\0", 12);
                put32(&b, 3);
                for (int i = 0; i < 9; i++)
                        put32(&b, 0);
                strbuf_add(&b, "\0\0\0\0", 4); /* up to a multiple of 8 */
        }
        strbuf_adds(&b, "glibc-ld.so.cache1.1");
        put32(&b, (uint32_t)n);
        for (int i = 0; i < 6; i++)
                put32(&b, 0);
        for (size_t i = 0; i < n; i++) {
                put32(&b, e[i].flags);
                put32(&b, base + (uint32_t)strings.len);
                strbuf_add(&strings, e[i].name, strlen(e[i].name) + 1);
                put32(&b, base + (uint32_t)strings.len);
                strbuf_add(&strings, e[i].path, strlen(e[i].path) + 1);
                put32(&b, 0);
                strbuf_add(&b, (const char *)&e[i].hwcap, 8);
        }
        strbuf_add(&b, strings.data, strings.len);
        return strbuf_bytes(&b);
}

static const char *candidates(struct bytes cache, const char *library_path) {
        struct ld_search s = { cache, library_path };
        struct strbuf b = { .arena = &arena };
        const char **paths;
        size_t n = ld_candidates(&arena, &s, "libcuda.so.1", &paths);

        assert_true(n >= 6); /* the folders that every loader has */
        for (size_t i = 0; i + 6 < n; i++)
                strbuf_printf(&b, "%s ", paths[i]);
        return strbuf_str(&b);
}

static const struct entry sample[] = {
        { FLAGS, "libm.so.6", "/lib/libm.so.6", 0 },
        { FLAGS, "libcuda.so.1", "/opt/b/libcuda.so.1", 1 << 2 }, /* for certain processors */
        { 0x0003, "libcuda.so.1", "/opt/32/libcuda.so.1", 0 },
        { FLAGS, "libcuda.so.1", "/opt/a/libcuda.so.1", 0 },
        { FLAGS, "libcuda.so.1", "/opt/c/libcuda.so.1", 0 },
        { FLAGS, "libcuda.so", "/opt/d/libcuda.so", 0 },
};

static void test_cache(void **state) {
        const char *want = "/opt/a/libcuda.so.1 /opt/c/libcuda.so.1 ";

        assert_string_equal(candidates(cache_of(sample, 6, false), NULL), want);
        assert_string_equal(candidates(cache_of(sample, 6, true), NULL), want);
        assert_string_equal(candidates((struct bytes){ 0 }, NULL), "");
        assert_string_equal(candidates(BYTES("glibc-ld.so.cache1.0"), NULL), "");
        assert_string_equal(candidates((struct bytes){ 0 }, "/x:relative::/y/;/z"),
                            "/x/libcuda.so.1 /y//libcuda.so.1 /z/libcuda.so.1 ");
}

/* Every cut of a cache, and every byte of it made large: nothing outside of it is read (ASan). */
static void test_broken_caches(void **state) {
        for (int old = 0; old < 2; old++) {
                struct bytes whole = cache_of(sample, 6, old);

                for (size_t i = 0; i < whole.len; i++) {
                        char *copy = malloc(whole.len);

                        memcpy(copy, whole.data, whole.len);
                        (void)candidates((struct bytes){ copy, i }, NULL);
                        copy[i] = (char)0xff;
                        (void)candidates((struct bytes){ copy, whole.len }, NULL);
                        free(copy);
                }
        }
}

/* The largest cache that is read, in which each name is one text without an end: no time passes. */
static void test_endless_names(void **state) {
        const size_t size = 4 << 20, n = size / 2 / 24;
        char *cache = arena_alloc(&arena, size);
        struct timespec begin, end;

        memset(cache, 'x', size);
        memcpy(cache, "glibc-ld.so.cache1.1", 20);
        for (size_t i = 0; i < n; i++)
                memcpy(cache + 48 + i * 24,
                       (uint32_t[6]){ FLAGS, (uint32_t)(size / 2 + 48), (uint32_t)(size / 2 + 48) }, 24);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        assert_string_equal(candidates((struct bytes){ cache, size }, NULL), "");
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        assert_true(end.tv_sec - begin.tv_sec <= 1);
}

/* The cache of the machine that the tests run on, against what ldconfig says is in it. */
static void test_real_cache(void **state) {
        FILE *f = popen("PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | "
                        "sed -n 's/^\tlibc.so.6 (libc6,[^)]*64[^)]*) => //p'", "r");
        char path[PATH_MAX] = "";
        struct ld_search s = { 0 };
        const char **paths;

        if (!f || !fgets(path, sizeof(path), f) ||
            file_read(&arena, "/etc/ld.so.cache", 1 << 22, &s.cache) < 0) {
                if (f)
                        pclose(f);
                skip();
        }
        pclose(f);
        path[strcspn(path, "\n")] = '\0';
        assert_true(ld_candidates(&arena, &s, "libc.so.6", &paths) > 0);
        assert_string_equal(paths[0], path);
}

/* ---- versions ---- */

static void test_versions(void **state) {
        static const struct {
                const char *name, *version;
        } names[] = {
                { "libcuda.so.550.163.01", "550.163.01" }, { "libcuda.so.470.256", "470.256" },
                { "libcuda.so.1", NULL },                  { "libcuda.so", NULL },
                { "libcuda.so.550.x", NULL },              { "libcuda.so.550.163.01 (deleted)", NULL },
                { "libcudadebugger.so.550.163.01", NULL },
        };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                const char *v = library_version(&arena, bytes_of(names[i].name), "libcuda.so.1");

                if (names[i].version)
                        assert_string_equal(v, names[i].version);
                else
                        assert_null(v);
        }
        assert_int_equal(driver_version_compare("550.163.01", "550.163.01"), 0);
        assert_int_equal(driver_version_compare("550.163.01", "550.163.1"), 0);
        assert_int_equal(driver_version_compare("550.163", "550.163.01"), -1);
        assert_int_equal(driver_version_compare("550.54.15", "550.163.01"), -1);
        assert_int_equal(driver_version_compare("560.35.03", "550.163.01"), 1);
}

/* ---- a container that is a folder ---- */

static void shell(const char *format, ...) _printf_(1, 2);

static void shell(const char *format, ...) {
        char command[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        assert_int_equal(system(command), 0);
}

static void put_library(const char *path, uint16_t machine) {
        Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 }, .e_machine = machine };
        const char *full = arena_printf(&arena, "%s%s", box, path);

        assert_int_equal(mkdir_parents(arena_strndup(&arena, full,
                                                     (size_t)(strrchr(full, '/') - full)),
                                       0755), 0);
        assert_int_equal(file_replace(full, (struct bytes){ (const char *)&h, sizeof(h) }, 0644, 0),
                         0);
}

static struct driver_library look(void) {
        static const struct driver_library nothing[DRIVER_LIBRARIES];
        struct driver_library found[DRIVER_LIBRARIES];
        int fd = open(box, O_PATH | O_DIRECTORY);

        libraries_look(&(struct inside){ .arena = &arena, .root_fd = fd }, nothing, found);
        close(fd);
        return found[LIBRARY_CUDA];
}

static enum library_verdict judge(const char *module) {
        struct driver_library l = look();

        return library_judge(&l, module);
}

static int empty_box(void **state) {
        shell("rm -rf %s && mkdir -p %s/etc", box, box);
        return 0;
}

static const char debian[] = "/usr/lib/" MULTIARCH;

static void put_debian(const char *version) {
        put_library(arena_printf(&arena, "%s/libcuda.so.%s", debian, version), MACHINE);
        shell("ln -s usr/lib %s/lib; ln -sf libcuda.so.%s %s%s/libcuda.so.1", box, version, box,
              debian);
}

static void test_debian(void **state) {
        struct driver_library l;

        put_debian("550.163.01");
        l = look();
        assert_int_equal(l.state, LIBRARY_FOUND);
        assert_string_equal(l.path, "/lib/" MULTIARCH "/libcuda.so.1");
        assert_string_equal(l.version, "550.163.01");
        assert_string_equal(l.others, "");
        assert_int_equal(judge("550.163.01"), VERDICT_SAME);
        assert_int_equal(judge("550.163"), VERDICT_DIFFERS);
        assert_int_equal(judge("550.144.03"), VERDICT_DIFFERS);
}

/* Files of the version before, which an update left there. */
static void test_others(void **state) {
        struct driver_library l;

        put_debian("550.163.01");
        put_library(arena_printf(&arena, "%s/libcuda.so.535.183.01", debian), MACHINE);
        l = look();
        assert_string_equal(l.version, "550.163.01");
        assert_string_equal(l.others, "535.183.01");
}

static void test_fedora_and_arch(void **state) {
        put_library("/usr/lib/libcuda.so.470.256.02", EM_386); /* the 32-bit one of Fedora */
        shell("ln -s libcuda.so.470.256.02 %s/usr/lib/libcuda.so.1", box);
        assert_int_equal(judge("550.163.01"), VERDICT_NONE);
        put_library("/usr/lib64/libcuda.so.550.163.01", MACHINE);
        shell("ln -s libcuda.so.550.163.01 %s/usr/lib64/libcuda.so.1", box);
        assert_string_equal(look().path, "/usr/lib64/libcuda.so.1");
        assert_int_equal(judge("550.163.01"), VERDICT_SAME);
        shell("rm -rf %s/usr/lib64", box);
        put_library("/usr/lib/libcuda.so.550.163.01", MACHINE);
        shell("ln -sf libcuda.so.550.163.01 %s/usr/lib/libcuda.so.1", box);
        assert_string_equal(look().path, "/usr/lib/libcuda.so.1");
}

static void put_cache(const char *path) {
        struct entry e = { FLAGS, "libcuda.so.1", path, 0 };

        assert_int_equal(file_replace(arena_printf(&arena, "%s/etc/ld.so.cache", box),
                                      cache_of(&e, 1, false), 0644, 0), 0);
}

/* The cache comes before the usual folders; a path in it that is gone does not end the search. */
static void test_compat_and_cache(void **state) {
        put_debian("550.163.01");
        put_library("/usr/local/cuda-12.8/compat/libcuda.so.570.86.10", MACHINE);
        shell("ln -s libcuda.so.570.86.10 %s/usr/local/cuda-12.8/compat/libcuda.so.1", box);
        put_cache("/usr/local/cuda-12.8/compat/libcuda.so.1");
        assert_int_equal(judge("550.163.01"), VERDICT_COMPAT);
        assert_int_equal(judge("570.86.10"), VERDICT_SAME);
        assert_int_equal(judge("580.65.06"), VERDICT_COMPAT_OLD);
        put_cache("/usr/local/cuda-12.4/compat/libcuda.so.1");
        assert_int_equal(judge("550.163.01"), VERDICT_SAME);
}

static void test_dangling_and_none(void **state) {
        assert_int_equal(judge("550.163.01"), VERDICT_NONE);
        put_debian("550.163.01");
        shell("rm %s%s/libcuda.so.550.163.01", box, debian);
        assert_string_equal(look().path, "/lib/" MULTIARCH "/libcuda.so.1");
        assert_int_equal(judge("550.163.01"), VERDICT_DANGLING);
        put_debian("550.163.01");
        shell("ln -sf /../../etc/../%s/libcuda.so.550.163.01 %s%s/libcuda.so.1", debian, box, debian);
        assert_int_equal(judge("550.163.01"), VERDICT_SAME); /* links end at the container's root */
}

/* Bound over the name itself: what it is says the inode, if it is the host's. */
static void test_of_host(void **state) {
        struct driver_library host[DRIVER_LIBRARIES] = { 0 }, found[DRIVER_LIBRARIES];
        int fd;

        put_library(arena_printf(&arena, "%s/libcuda.so.1", debian), MACHINE);
        assert_null(look().version);
        assert_int_equal(judge("550.163.01"), VERDICT_UNTOLD);
        host[LIBRARY_CUDA] = look();
        host[LIBRARY_CUDA].version = "550.163.01";
        fd = open(box, O_PATH | O_DIRECTORY);
        libraries_look(&(struct inside){ .arena = &arena, .root_fd = fd }, host, found);
        close(fd);
        assert_true(found[LIBRARY_CUDA].of_host);
        assert_string_equal(found[LIBRARY_CUDA].version, "550.163.01");
        assert_int_equal(found[LIBRARY_ML].state, LIBRARY_NONE);
}

/* A cache that cannot be read says nothing about what is loaded. */
static void test_unreadable(void **state) {
        put_debian("550.163.01");
        shell("mkdir %s/etc/ld.so.cache", box);
        assert_int_equal(judge("535.183.01"), VERDICT_UNTOLD);
}

static int setup(void **state) {
        return mkdtemp(box) ? 0 : -1;
}

static int teardown(void **state) {
        shell("rm -rf %s", box);
        arena_done(&arena);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cache),
                cmocka_unit_test(test_broken_caches),
                cmocka_unit_test(test_endless_names),
                cmocka_unit_test(test_real_cache),
                cmocka_unit_test(test_versions),
                cmocka_unit_test_setup(test_debian, empty_box),
                cmocka_unit_test_setup(test_others, empty_box),
                cmocka_unit_test_setup(test_fedora_and_arch, empty_box),
                cmocka_unit_test_setup(test_compat_and_cache, empty_box),
                cmocka_unit_test_setup(test_dangling_and_none, empty_box),
                cmocka_unit_test_setup(test_of_host, empty_box),
                cmocka_unit_test_setup(test_unreadable, empty_box),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
