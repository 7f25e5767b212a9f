/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * replay - a fuzz target's main() for ordinary test runs: every input of a corpus once
 *
 * Arguments are files and folders of files. Linked with one fuzz-*.c; a property that does
 * not hold aborts, after the name of the input was printed.
 */
#include "base/bytes.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (16 * 1024 * 1024)

static int replay_file(const char *path) {
        struct arena a _cleanup_arena_ = { 0 };
        struct bytes input;
        uint8_t *copy;
        int r = file_read(&a, path, INPUT_MAX, &input);

        if (r < 0)
                return r;
        /* exactly as long as the input, so that a sanitizer sees a read behind it */
        copy = malloc(input.len ? input.len : 1);
        if (!copy)
                return -ENOMEM;
        if (input.len > 0)
                memcpy(copy, input.data, input.len);
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput(copy, input.len);
        free(copy);
        return 0;
}

static int skip_hidden(const struct dirent *d) {
        return d->d_name[0] != '.';
}

static int replay(const char *path, unsigned *count);

static int replay_folder(const char *path, unsigned *count) {
        struct dirent **names = NULL;
        int n = scandir(path, &names, skip_hidden, alphasort), r = 0;

        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++) {
                struct arena a _cleanup_arena_ = { 0 };

                if (r == 0)
                        r = replay(arena_printf(&a, "%s/%s", path, names[i]->d_name), count);
                free(names[i]);
        }
        free(names);
        return r;
}

static int replay(const char *path, unsigned *count) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return replay_folder(path, count);
        (*count)++;
        return replay_file(path);
}

int main(int argc, char **argv) {
        unsigned count = 0;

        for (int i = 1; i < argc; i++) {
                int r = replay(argv[i], &count);

                if (r < 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return 1;
                }
        }
        printf("%u inputs\n", count);
        return count > 0 ? 0 : 1;
}
