/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* program-output - what programs in a container print about the GPU */
#include "base/bytes.h"

/** struct vulkan_summary - of `vulkaninfo --summary` */
struct vulkan_summary {
        const char *gpu;      /* name of the first device that is no processor; NULL: none */
        const char *software; /* name of a device that computes on the CPU; NULL: none */
};

struct vulkan_summary vulkan_parse(struct arena *a, struct bytes text);

/** struct vaapi_summary - of `vainfo` */
struct vaapi_summary {
        const char *driver; /* "Mesa Gallium driver 25.0.7 for AMD Radeon Graphics"; NULL: none */
        unsigned profiles;  /* pairs of profile and entry point */
};

struct vaapi_summary vaapi_parse(struct arena *a, struct bytes text);

/** struct ollama_log - the last word of Ollama's journal on each of these */
struct ollama_log {
        bool loaded; /* a model was; @offloaded of @layers layers are on a GPU */
        uint32_t offloaded, layers;
        enum { COMPUTE_UNKNOWN, COMPUTE_CPU, COMPUTE_GPU } compute; /* found when it started */
        const char *device;   /* name of that GPU, or of llvmpipe; NULL when it is not in the log */
        bool software;        /* the only Vulkan device is llvmpipe */
        bool vulkan_disabled; /* it says that Vulkan wants OLLAMA_VULKAN=1 */
        bool igpu_dropped;    /* it says that an integrated GPU wants OLLAMA_IGPU_ENABLE=1 */
        bool denied;          /* "permission denied" about a node */
};

struct ollama_log ollama_parse(struct arena *a, struct bytes text);
