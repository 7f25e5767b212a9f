/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * slice - a fuzzer's run is one of several checks, so that there are more runs
 *
 * Which one follows from a digest of the input. replay, which runs the corpus in ordinary tests,
 * does all of them. For targets of many branches only: libFuzzer's entropic schedule costs more
 * than such a run, so that it is off unless it is asked for. SLICE_LONGEST, if a target defines it:
 * libFuzzer's inputs have no more bytes, which says nothing of the corpus in ordinary tests.
 */
#include "base/bytes.h"

static bool slice_one;

const char *__asan_default_options(void);

/* What is freed is kept to notice its use, and memory is new each time meanwhile: less of that. */
const char *__asan_default_options(void) {
        return "quarantine_size_mb=4";
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Only libFuzzer calls this; it reads its options afterwards. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static char *more[64], options[][32] = {
                "-entropic=0",
#ifdef SLICE_LONGEST
                "-max_len=" SLICE_LONGEST,
#endif
        };
        int n = ELEMENTS(options);

        slice_one = true;
        if (*argc + n + 1 > (int)ELEMENTS(more))
                return 0;
        more[0] = (*argv)[0];
        for (int i = 0; i < n; i++)
                more[i + 1] = options[i];
        for (int i = 1; i < *argc; i++)
                more[i + n] = (*argv)[i];
        *argv = more;
        *argc += n;
        return 0;
}

/* Each loop over the input that libFuzzer traces costs as much as the check of it. */
#if defined(__clang__)
#define NOT_TRACED __attribute__((noinline, no_sanitize("coverage")))
#else
#define NOT_TRACED
#endif

/* Which of @n checks is to be done with this input; SLICE_ALL: all of them. */
#define SLICE_ALL SIZE_MAX

static NOT_TRACED size_t slice_of(struct bytes input, size_t n) {
        uint32_t hash = 2166136261; /* FNV-1a */

        for (size_t j = 0; slice_one && j < input.len; j++)
                hash = (hash ^ (unsigned char)input.data[j]) * 16777619;
        return slice_one ? hash % n : SLICE_ALL;
}

static inline bool slice_has(size_t one, size_t i) {
        return one == SLICE_ALL || one == i;
}
