/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * program-output - outputs of foreign programs, read for a few words
 *
 * Their wordings change with their versions: each sample stands above what reads it, and
 * what is not recognised says nothing rather than something wrong.
 */
#include "model/guest/program-output.h"

#include "base/number.h"
#include "model/gpu/family.h"

enum { NAME_MAX_LEN = 120 };

/* What stands behind @word in @line. */
static bool behind(struct bytes line, const char *word, struct bytes *ret) {
        const char *at = line.len > 0 ? memmem(line.data, line.len, word, strlen(word)) : NULL;

        if (!at)
                return false;
        at += strlen(word);
        *ret = (struct bytes){ at, (size_t)(line.data + line.len - at) };
        return true;
}

static const char *name(struct arena *a, struct bytes text) {
        text = bytes_trim(text);
        return arena_strndup(a, text.data, text.len < NAME_MAX_LEN ? text.len : NAME_MAX_LEN);
}

/* The drivers of Mesa and of others that have no GPU behind them. */
static bool is_software(struct bytes line) {
        return bytes_contains(line, "llvmpipe") || bytes_contains(line, "lavapipe") ||
               bytes_contains(line, "SwiftShader");
}

/*
 *     deviceType         = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU
 *     deviceName         = AMD Radeon Graphics (RADV GFX1150)
 *
 * The type comes before the name; old versions print it without "PHYSICAL_DEVICE_".
 */
struct vulkan_summary vulkan_parse(struct arena *a, struct bytes text) {
        struct vulkan_summary v = { 0 };
        bool cpu = false;

        while (text.len > 0) {
                struct bytes line = bytes_trim(bytes_cut(&text, '\n')), value;

                if (behind(line, "deviceType", &value))
                        cpu = bytes_contains(value, "TYPE_CPU");
                if (!bytes_has_prefix(line, "deviceName") || !behind(line, "=", &value))
                        continue;
                if (cpu || is_software(value))
                        v.software = v.software ? v.software : name(a, value);
                else
                        v.gpu = v.gpu ? v.gpu : name(a, value);
                cpu = false;
        }
        return v;
}

/*
 * vainfo: Driver version: Mesa Gallium driver 25.0.7-2 for AMD Radeon Graphics (radeonsi, ...)
 *       VAProfileH264Main               : VAEntrypointVLD
 */
struct vaapi_summary vaapi_parse(struct arena *a, struct bytes text) {
        struct vaapi_summary v = { 0 };

        while (text.len > 0) {
                struct bytes line = bytes_trim(bytes_cut(&text, '\n')), value;

                if (behind(line, "Driver version:", &value))
                        v.driver = name(a, value);
                else if (bytes_contains(line, "VAProfile") && bytes_contains(line, "VAEntrypoint"))
                        v.profiles++;
        }
        return v;
}

/* "29/29 layers to GPU" */
static bool fraction(struct bytes text, uint32_t *ret_n, uint32_t *ret_of) {
        struct bytes n, of;

        return bytes_split(bytes_cut(&text, ' '), '/', &n, &of) && parse_u32(n, ret_n) &&
               parse_u32(of, ret_of);
}

/* description="AMD Radeon Graphics (RADV GFX1150)" */
static const char *quoted(struct arena *a, struct bytes line, const char *key) {
        struct bytes value, rest;

        return behind(line, key, &value) && bytes_split(value, '"', &value, &rest) ? name(a, value)
                                                                                   : NULL;
}

/*
 * msg="inference compute" id=0 library=Vulkan compute=0.0 name=Vulkan0 description="AMD ..." ...
 * msg="inference compute" id=cpu library=cpu compute="" name=cpu ...
 */
static void read_compute(struct arena *a, struct ollama_log *log, struct bytes line) {
        const char *device = quoted(a, line, "description=\"");

        if (bytes_contains(line, "library=cpu")) {
                log->compute = COMPUTE_CPU;
                return;
        }
        device = device ? device : quoted(a, line, "name=\"");
        log->compute = COMPUTE_GPU;
        if (device)
                log->device = device;
}

/* A start of the server: what was said before it is not about this one. */
static bool is_start(struct bytes line) {
        return bytes_contains(line, "msg=\"server config\"") ||
               bytes_contains(line, "msg=\"Listening on ");
}

struct ollama_log ollama_parse(struct arena *a, struct bytes text) {
        struct ollama_log log = { 0 };

        while (text.len > 0) {
                struct bytes line = bytes_trim(bytes_cut(&text, '\n')), value;

                if (is_start(line))
                        log = (struct ollama_log){ 0 };
                else if (bytes_contains(line, "msg=\"inference compute\""))
                        read_compute(a, &log, line);
                else if (behind(line, "offloaded ", &value) &&
                         bytes_contains(value, "layers to GPU"))
                        log.loaded = fraction(value, &log.offloaded, &log.layers) || log.loaded;
                else if (bytes_contains(line, "initial_count=0") ||
                         bytes_contains(line, "runner.vram=\"0 B\"") ||
                         bytes_contains(line, "no compatible GPUs were discovered"))
                        log.compute = COMPUTE_CPU;
                else if (bytes_contains(line, "Vulkan support disabled"))
                        log.vulkan_disabled = true;
                else if (bytes_contains(line, "dropping integrated GPU"))
                        log.igpu_dropped = true;
                else if ((behind(line, "deviceName", &value) && behind(value, "=", &value)) ||
                         behind(line, "ggml_vulkan: 0 =", &value)) {
                        log.software = is_software(value);
                        log.device = name(a, bytes_cut(&value, '|'));
                }
                if (family_is_mentioned(line) && bytes_contains(line, "ermission denied"))
                        log.denied = true;
        }
        return log;
}
