/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-inside-text - outputs of a container's programs, well-formed and hostile */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/guest/accounts.h"
#include "model/guest/program-output.h"
#include "model/guest/unit.h"

static struct arena arena;

static int done(void **state) {
        arena_done(&arena);
        return 0;
}

static void test_account_find(void **state) {
        struct bytes text = BYTES("root:x:0:\nrender:x:104:alice,bob\nrender:x:105:\nvideo::44");
        struct account found;

        assert_true(account_find(text, "render", &found));
        assert_int_equal(found.id, 104);
        assert_true(account_find(text, "video", &found));
        assert_int_equal(found.id, 44);
        assert_true(account_find(text, "root", &found));
        assert_false(account_find(text, "rende", &found));
        assert_false(account_find(text, "", &found));
        assert_false(account_find((struct bytes){ 0 }, "render", &found));
        assert_false(account_find(BYTES("render:x:4294967296:"), "render", &found));
}

static void test_accounts(void **state) {
        struct bytes passwd = BYTES("root:x:0:0:root:/root:/bin/bash\nbroken\nollama:x:998:997:::\n"
                                    "ollama:x:1:1:::\nnogid:x:5::\n");
        struct bytes group =
                BYTES("root:x:0:\nvideo:x:44:frigate,ollama\nrender:x:x:\nrender:x:110:ollama\n"
                      "empty:x:5:\nollamas:x:6:xollama,ollamax");
        uint32_t uid = 0, gid = 0, *gids;

        assert_true(account_user(passwd, "ollama", &uid, &gid));
        assert_int_equal(uid, 998);
        assert_int_equal(gid, 997);
        assert_true(account_user(passwd, "998", &uid, &gid)); /* User=998 */
        assert_false(account_user(passwd, "nobody", &uid, &gid));
        assert_false(account_user(passwd, "nogid", &uid, &gid));
        assert_true(account_group(group, "render", &gid));
        assert_int_equal(gid, 110);
        assert_true(account_group(group, "993", &gid));
        assert_int_equal(gid, 993);
        assert_false(account_group(group, "broken", &gid));
        assert_int_equal(account_member_of(&arena, group, "ollama", &gids), 2);
        assert_int_equal(gids[0], 44);
        assert_int_equal(gids[1], 110);
        assert_int_equal(account_member_of(&arena, BYTES("video:x:44:ollama:x"), "ollama", &gids),
                         0); /* glibc's member is "ollama:x" */
        assert_string_equal(account_name(&arena, group, 110), "render");
        assert_string_equal(account_name(&arena, group, 4711), "4711");
        assert_true(account_name_is_plain("ollama") && account_name_is_plain("_a-b1"));
        for (const char *const *bad = (const char *const[]){ "", "a b", "a;reboot", "$(x)", "-G",
                                                             "a'", "1a", "a\n", "äh", NULL };
             *bad; bad++)
                assert_false(account_name_is_plain(*bad));
}

static void test_units(void **state) {
        struct bytes text =
                BYTES("Id=ollama.service\nLoadState=loaded\nActiveState=active\nMainPID=77\n"
                      "User=ollama\nGroup=ollama\nSupplementaryGroups=video render\n"
                      "DeviceAllow=/dev/dri/card1 rw\nDeviceAllow=char-pts rwm\n"
                      "DevicePolicy=auto\nPrivateDevices=no\n"
                      "Environment=OLLAMA_VULKAN=1 \"A=b c\" $'X=y'\n"
                      "DropInPaths=/a/mine.conf /a/50-gpuanchor.conf\n"
                      "\n"
                      "Id=plexmediaserver.service\nLoadState=not-found\n"
                      "\n"
                      "nonsense\n=\nMainPID=1\n\n\n");
        struct unit *u;

        assert_int_equal(unit_parse(&arena, text, &u), 2);
        assert_string_equal(u[0].id, "ollama.service");
        assert_true(u[0].loaded && u[0].active && !u[0].private_devices && u[0].kept);
        assert_false(u[1].kept);
        assert_int_equal(u[0].main_pid, 77);
        assert_int_equal(u[0].n_supplementary, 2);
        assert_int_equal(u[0].n_devices, 2);
        assert_string_equal(u[0].devices[0].access, "rw");
        assert_true(unit_allows(&u[0], "/dev/dri/card1"));
        assert_false(unit_allows(&u[0], "/dev/dri/renderD128"));
        assert_string_equal(u[1].id, "plexmediaserver.service");
        assert_false(u[1].loaded);
        assert_string_equal(u[1].user, "");
        assert_true(unit_allows(&u[1], "/dev/dri/card1")); /* DevicePolicy=auto without a list */
        assert_int_equal(unit_parse(&arena, BYTES("Id=a"), &u), 1);
        assert_int_equal(unit_parse(&arena, BYTES(""), &u), 0);
}

static bool allows(const char *policy, const char *path, const char *access) {
        struct unit_device d = { path, access };
        struct unit u = { .device_policy = policy, .devices = &d, .n_devices = path ? 1 : 0 };

        return unit_allows(&u, "/dev/dri/renderD128");
}

static void test_device_rules(void **state) {
        assert_true(allows("auto", NULL, NULL));
        assert_false(allows("closed", NULL, NULL));
        assert_false(allows("strict", NULL, NULL));
        assert_true(allows("strict", "/dev/dri/renderD128", "rw"));
        assert_true(allows("closed", "char-drm", "rwm"));
        assert_true(allows("auto", "char-*", "rw"));
        assert_true(allows("auto", "char-d*", "rw"));
        assert_false(allows("auto", "char-input", "rw"));
        assert_false(allows("auto", "char-dr", "rw"));
        assert_false(allows("auto", "/dev/dri/renderD128", "r"));
        assert_false(allows("auto", "/dev/dri/renderD12", "rw"));
}

static bool covers(const char *rule, const char *node) {
        struct unit_device d = { rule, "rw" };
        struct unit u = { .device_policy = "closed", .devices = &d, .n_devices = 1 };

        return unit_allows(&u, node);
}

/* systemd allows the whole major that has the name in /proc/devices */
static void test_device_names(void **state) {
        assert_true(covers("char-kfd", "/dev/kfd"));
        assert_true(covers("char-accel", "/dev/accel/accel0"));
        assert_true(covers("char-nvidia", "/dev/nvidia0"));
        assert_true(covers("char-nvidia", "/dev/nvidiactl"));
        assert_true(covers("char-nvidiactl", "/dev/nvidia0"));
        assert_true(covers("char-nvidia-uvm", "/dev/nvidia-uvm"));
        assert_true(covers("char-nvidia-uvm", "/dev/nvidia-uvm-tools"));
        assert_true(covers("char-nvidia*", "/dev/nvidia-caps/nvidia-cap1"));
        assert_false(covers("char-nvidia", "/dev/nvidia-uvm"));
        assert_false(covers("char-nvidia-uvm", "/dev/nvidia0"));
        assert_false(covers("char-drm", "/dev/kfd"));
}

static void test_environment(void **state) {
        struct bytes units = BYTES("FOO_OLLAMA_VULKAN=0 \"OLLAMA_VULKAN=1\" B=2"), value;
        struct bytes process = BYTES("A=b\0OLLAMA_VULKAN=true\0C=");

        assert_true(environment_value(units, "OLLAMA_VULKAN", &value));
        assert_true(bytes_equal(value, BYTES("1")));
        assert_true(environment_value(process, "OLLAMA_VULKAN", &value));
        assert_true(bytes_equal(value, BYTES("true")));
        assert_true(environment_value(process, "C", &value));
        assert_int_equal(value.len, 0);
        assert_false(environment_value(process, "OLLAMA", &value));
        assert_false(environment_value(BYTES(""), "A", &value));
}

static void test_vulkan(void **state) {
        struct vulkan_summary v;

        v = vulkan_parse(&arena,
                         BYTES("Devices:\n========\nGPU0:\n"
                               "\tdeviceType         = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU\n"
                               "\tdeviceName         = AMD Radeon Graphics (RADV GFX1150)\n"
                               "GPU1:\n\tdeviceType         = PHYSICAL_DEVICE_TYPE_CPU\n"
                               "\tdeviceName         = llvmpipe (LLVM 19.1.7, 256 bits)\n"));
        assert_string_equal(v.gpu, "AMD Radeon Graphics (RADV GFX1150)");
        assert_string_equal(v.software, "llvmpipe (LLVM 19.1.7, 256 bits)");
        v = vulkan_parse(&arena,
                         BYTES("WARNING: lavapipe is not a conformant vulkan implementation\n"
                               "GPU0:\n\tdeviceType = PHYSICAL_DEVICE_TYPE_CPU\n"
                               "\tdeviceName = llvmpipe (LLVM 19.1.7, 256 bits)"));
        assert_null(v.gpu);
        assert_non_null(v.software);
        v = vulkan_parse(&arena,
                         BYTES("ERROR at vulkaninfo.h:230:vkEnumeratePhysicalDevices failed with "
                               "ERROR_INITIALIZATION_FAILED\n"));
        assert_true(!v.gpu && !v.software);
        v = vulkan_parse(
                &arena, BYTES("\tdeviceType     = INTEGRATED_GPU\n\tdeviceName     = NVK GA104\n"));
        assert_string_equal(v.gpu, "NVK GA104");
}

static void test_vaapi(void **state) {
        struct vaapi_summary v;

        v = vaapi_parse(&arena,
                        BYTES("vainfo: VA-API version: 1.22 (libva 2.22.0)\n"
                              "vainfo: Driver version: Mesa Gallium driver 25.0.7 for AMD Radeon\n"
                              "vainfo: Supported profile and entrypoints\n"
                              "      VAProfileH264Main               :\tVAEntrypointVLD\n"
                              "      VAProfileHEVCMain               : VAEntrypointVLD\n"));
        assert_string_equal(v.driver, "Mesa Gallium driver 25.0.7 for AMD Radeon");
        assert_int_equal(v.profiles, 2);
        v = vaapi_parse(
                &arena,
                BYTES("libva error: vaGetDriverNameByIndex() failed with unknown libva error\n"
                      "vaInitialize failed with error code -1 (unknown libva error),exit\n"));
        assert_null(v.driver);
}

/* The wordings of the guide, of llama.cpp, and of Ollama since 0.12. */
static void test_ollama(void **state) {
        struct ollama_log l;

        l = ollama_parse(
                &arena,
                BYTES("ggml_vulkan: 0 = AMD Radeon Graphics (RADV GFX1150) (radv) | uma: 1 |\n"
                      "load_tensors: offloaded 29/29 layers to GPU\n"));
        assert_true(l.loaded && l.offloaded == 29 && l.layers == 29 && !l.software);
        assert_string_equal(l.device, "AMD Radeon Graphics (RADV GFX1150) (radv)");
        l = ollama_parse(
                &arena,
                BYTES("level=INFO source=ggml.go:482 msg=\"offloading 12 repeating layers to "
                      "GPU\"\n"
                      "level=INFO source=ggml.go:494 msg=\"offloaded 12/33 layers to GPU\"\n"));
        assert_true(l.loaded && l.offloaded == 12 && l.layers == 33);
        l = ollama_parse(&arena,
                         BYTES("deviceName = llvmpipe (LLVM 19.1.7, 256 bits)\ninitial_count=0\n"));
        assert_true(l.software && l.compute == COMPUTE_CPU);
        assert_string_equal(l.device, "llvmpipe (LLVM 19.1.7, 256 bits)");
        l = ollama_parse(
                &arena,
                BYTES("msg=\"experimental Vulkan support disabled.  To enable, set "
                      "OLLAMA_VULKAN=1\"\n"
                      "msg=\"inference compute\" id=cpu library=cpu compute=\"\" name=cpu\n"));
        assert_true(l.vulkan_disabled && l.compute == COMPUTE_CPU);
        l = ollama_parse(
                &arena,
                BYTES("msg=\"inference compute\" id=0 library=Vulkan compute=0.0 name=Vulkan0 "
                      "description=\"AMD Radeon Graphics (RADV GFX1150)\" "
                      "libdirs=ollama,vulkan\n"));
        assert_int_equal(l.compute, COMPUTE_GPU);
        assert_string_equal(l.device, "AMD Radeon Graphics (RADV GFX1150)");
        l = ollama_parse(
                &arena,
                BYTES("msg=\"dropping integrated GPU; to enable, set OLLAMA_IGPU_ENABLE=1\" id=0\n"
                      "/dev/dri/renderD128: Permission denied\n"));
        assert_true(l.igpu_dropped && l.denied);
        l = ollama_parse(&arena, BYTES("Unable to open /dev/kfd: Permission denied\n"));
        assert_true(l.denied);
        l = ollama_parse(&arena, BYTES("/root/.ollama: Permission denied\n"));
        assert_false(l.denied);
        /* the server was started again: what was said before is about another process */
        l = ollama_parse(
                &arena,
                BYTES("offloaded 0/29 layers to GPU\ninitial_count=0\n"
                      "level=INFO source=routes.go:1544 msg=\"server config\" env=\"map[]\"\n"));
        assert_true(!l.loaded && l.compute == COMPUTE_UNKNOWN);
        l = ollama_parse(
                &arena,
                BYTES("offloaded many layers to GPU\noffloaded /3 layers to GPU\noffloaded "));
        assert_false(l.loaded);
}

/* Every prefix and every flipped byte of what was recorded: no fault, nothing read beyond the end.
 */
static void test_broken(void **state) {
        static const char text[] = "Id=a.service\nDeviceAllow=/dev/dri/card1 "
                                   "rw\nEnvironment=OLLAMA_VULKAN=1\n\nGPU0:\n"
                                   "\tdeviceType = PHYSICAL_DEVICE_TYPE_CPU\n\tdeviceName = "
                                   "llvmpipe\nvainfo: Driver version: M\n"
                                   "ggml_vulkan: 0 = X | y\nmsg=\"inference compute\" "
                                   "library=Vulkan description=\"AMD\"\n"
                                   "offloaded 12/33 layers to GPU\nrender:x:110:ollama,b\n";
        size_t n = sizeof(text) - 1;

        for (size_t i = 0; i < 2 * n; i++) {
                size_t len = i < n ? i : n;
                char *copy = malloc(len ? len : 1); /* no NUL behind it, for the sanitizer */
                struct bytes b = { copy, len }, value;
                struct unit *u;
                uint32_t *gids, x;

                assert_non_null(copy);
                memcpy(copy, text, len);
                if (i >= n)
                        copy[i - n] = (char)(copy[i - n] ^ 0x80);
                vulkan_parse(&arena, b);
                vaapi_parse(&arena, b);
                ollama_parse(&arena, b);
                unit_parse(&arena, b, &u);
                environment_value(b, "OLLAMA_VULKAN", &value);
                account_member_of(&arena, b, "b", &gids);
                account_group(b, "render", &x);
                free(copy);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_account_find), cmocka_unit_test(test_accounts),
                cmocka_unit_test(test_units),        cmocka_unit_test(test_device_rules),
                cmocka_unit_test(test_device_names),
                cmocka_unit_test(test_environment),  cmocka_unit_test(test_vulkan),
                cmocka_unit_test(test_vaapi),        cmocka_unit_test(test_ollama),
                cmocka_unit_test(test_broken),
        };

        return cmocka_run_group_tests_name("inside-text", tests, NULL, done);
}
