/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * slice - a fuzzer's run is one of several checks, so that there are more runs
 *
 * Which one follows from a digest of the input. replay, which runs the corpus in ordinary tests,
 * does all of them. For targets of many branches only: libFuzzer's entropic schedule costs more
 * than such a run, so that it is off unless it is asked for.
 */
#include "base/bytes.h"

static bool slice_one;

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Only libFuzzer calls this; it reads its options afterwards. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static char *more[64], entropic[] = "-entropic=0";

        slice_one = true;
        if (*argc + 2 > (int)ELEMENTS(more))
                return 0;
        more[0] = (*argv)[0];
        more[1] = entropic;
        for (int i = 1; i < *argc; i++)
                more[i + 1] = (*argv)[i];
        *argv = more;
        *argc += 1;
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
