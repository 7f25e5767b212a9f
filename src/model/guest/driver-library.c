/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* driver-library - versions, and what they mean beside each other */
#include "model/guest/driver-library.h"

#include "base/number.h"

const char *const driver_library_names[DRIVER_LIBRARIES] = {
        [LIBRARY_CUDA] = "libcuda.so.1",
        [LIBRARY_ML] = "libnvidia-ml.so.1",
};

static const char *const states[] = {
        [LIBRARY_UNKNOWN] = "unknown",
        [LIBRARY_NONE] = "none",
        [LIBRARY_DANGLING] = "dangling",
        [LIBRARY_FOUND] = "found",
};

const char *library_state_name(enum library_state s) {
        return states[s];
}

static bool is_version(struct bytes s) {
        size_t numbers = 0;
        uint32_t n;

        for (; s.len > 0; numbers++)
                if (!parse_u32(bytes_cut(&s, '.'), &n))
                        return false;
        return numbers > 1;
}

const char *library_version(struct arena *a, struct bytes name, const char *soname) {
        size_t stem = strlen(soname) - strlen("1");

        if (name.len <= stem || memcmp(name.data, soname, stem) != 0)
                return NULL;
        name = bytes_from(name, stem);
        return name.len < 64 && is_version(name) ? bytes_dup(a, name) : NULL;
}

int driver_version_compare(const char *x, const char *y) {
        struct bytes a = bytes_of(x), b = bytes_of(y);

        while (a.len > 0 || b.len > 0) {
                uint32_t m = 0, n = 0;
                bool has_a = a.len > 0, has_b = b.len > 0;

                (void)parse_u32(bytes_cut(&a, '.'), &m);
                (void)parse_u32(bytes_cut(&b, '.'), &n);
                if (m != n || has_a != has_b)
                        return m < n || (m == n && !has_a) ? -1 : 1;
        }
        return 0;
}

/* "/usr/local/cuda-12.4/compat/libcuda.so.1", also compat/lib and compat_orig */
static bool is_compat(const char *path) {
        return strstr(path, "/compat") != NULL;
}

enum library_verdict library_judge(const struct driver_library *l, const char *module) {
        int order;

        switch (l->state) {
        case LIBRARY_NONE:
                return VERDICT_NONE;
        case LIBRARY_DANGLING:
                return VERDICT_DANGLING;
        case LIBRARY_UNKNOWN:
                return VERDICT_UNTOLD;
        case LIBRARY_FOUND:
                break;
        }
        if (!l->version)
                return VERDICT_UNTOLD;
        order = driver_version_compare(l->version, module);
        if (order == 0)
                return VERDICT_SAME;
        if (is_compat(l->path))
                return order > 0 ? VERDICT_COMPAT : VERDICT_COMPAT_OLD;
        return VERDICT_DIFFERS;
}
