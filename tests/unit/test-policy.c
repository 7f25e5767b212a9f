/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-policy - every key's values, and what is remembered comes back */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gpu/facts.h"
#include "model/gpu/pci-address.h"
#include "model/policy/edit.h"
#include "model/policy/key.h"
#include "model/gpu/majors.h"
#include "model/policy/memory.h"
#include "model/policy/preset.h"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static struct policy fresh(void) {
        struct policy p;

        policy_init(&arena, &p);
        return p;
}

/* set, and expect success */
static struct policy with(const char *key, const char *value) {
        struct policy p = fresh();
        const char *problem = policy_set(&arena, &p, key, value);

        if (problem)
                fail_msg("%s", problem);
        return p;
}

/* set, and expect a sentence that contains @part; the policy must not change */
static void refuse(const char *key, const char *value, const char *part) {
        struct policy p = fresh(), before = p;
        const char *problem = policy_set(&arena, &p, key, value);

        assert_memory_equal(&p, &before, sizeof(p));
        assert_non_null(problem);
        if (!strstr(problem, part) || strchr(problem, '\n'))
                fail_msg("\"%s\" lacks \"%s\"", problem, part);
}

static void test_defaults(void **state) {
        struct policy p = fresh();

        assert_int_equal(p.n_gpus, 1);
        assert_int_equal(p.gpus[0].kind, SEL_AUTO);
        assert_false(p.devices_set || p.broken || p.present || p.refuse_on_error);
        assert_int_equal(p.method, METHOD_AUTO);
        assert_int_equal(p.missing, MISSING_START);
        assert_true(p.gid[GID_VIDEO].set == GID_AUTO && p.gid[GID_RENDER].set == GID_AUTO);
        assert_true(p.gid[GID_VIDEO].known == GID_AUTO && p.gid[GID_RENDER].known == GID_AUTO);
        assert_null(p.next_hook);
        assert_null(policy_pin(&p, "pve1"));
}

static void test_pci_address(void **state) {
        static const struct {
                const char *text, *address;
        } cases[] = {
                { "0000:c1:00.0", "0000:c1:00.0" },
                { "c1:00.0", "0000:c1:00.0" },
                { "0000:C1:00.0", "0000:c1:00.0" },
                { "00000000:01:00.0", "0000:01:00.0" },
                { "10000:e1:00.7", "10000:e1:00.7" },
                { "1:0.0", "0000:01:00.0" },
                { "c1:1f.7", "0000:c1:1f.7" },
                { "c1:20.0", NULL },
                { "c1:00.8", NULL },
                { "c1:00", NULL },
                { "c1.0", NULL },
                { "0000:c1:00.00", NULL },
                { "0:0000:c1:00.0", NULL },
                { "0xc1:00.0", NULL },
                { "000000000:01:00.0", NULL },
                { "fb000000.gpu", NULL },
                { "", NULL },
                { ":.", NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *got = pci_address_normalize(&arena, bytes_of(cases[i].text));

                if (!cases[i].address)
                        assert_null(got);
                else
                        assert_string_equal(got, cases[i].address);
        }
}

static void test_gpu(void **state) {
        static const struct {
                const char *value;
                enum gpu_sel_kind kind;
                const char *name;
                uint32_t vendor, device, nth;
        } cases[] = {
                { "auto", SEL_AUTO, NULL, 0, 0, 0 },
                { "", SEL_AUTO, NULL, 0, 0, 0 },
                { "all", SEL_ALL, NULL, 0, 0, 0 },
                { "pci:C1:00.0", SEL_PCI, "0000:c1:00.0", 0, 0, 0 },
                { "id:1002:150E", SEL_ID, NULL, 0x1002, 0x150e, 0 },
                { "id:1002:150e#2", SEL_ID, NULL, 0x1002, 0x150e, 2 },
                { "id:0x1002:0x150e", SEL_ID, NULL, 0x1002, 0x150e, 0 },
                { "driver:amdgpu", SEL_DRIVER, "amdgpu", 0, 0, 0 },
                { "mapping:igpu-1", SEL_MAPPING, "igpu-1", 0, 0, 0 },
                { "platform:fb000000.gpu", SEL_PLATFORM, "fb000000.gpu", 0, 0, 0 },
                { "platform:soc:gpu@0", SEL_PLATFORM, "soc:gpu@0", 0, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct policy p = with("gpu", cases[i].value);

                assert_int_equal(p.n_gpus, 1);
                assert_int_equal(p.gpus[0].kind, cases[i].kind);
                if (cases[i].name)
                        assert_string_equal(p.gpus[0].name, cases[i].name);
                assert_int_equal(p.gpus[0].ids.vendor, cases[i].vendor);
                assert_int_equal(p.gpus[0].ids.device, cases[i].device);
                assert_int_equal(p.gpus[0].nth, cases[i].nth);
        }
}

static void test_gpu_several(void **state) {
        struct policy p = with("gpu", "pci:01:00.0   driver:i915\tid:10de:2204#1");

        assert_int_equal(p.n_gpus, 3);
        assert_string_equal(p.gpus[0].text, "pci:01:00.0");
        assert_string_equal(p.gpus[1].name, "i915");
        assert_int_equal(p.gpus[2].nth, 1);
}

static void test_gpu_wrong(void **state) {
        static const char *const cases[][2] = {
                { "foo", "accepted: auto, all" },
                { "AUTO", "is not understood" },
                { "auto all", "stand alone" },
                { "pci:01:00.0 auto", "stand alone" },
                { "all driver:i915", "stand alone" },
                { "0000:c1:00.0", "an address is written pci:0000:c1:00.0" },
                { "pci:0000:c1:00", "the function is missing" },
                { "pci:zz:00.0", "no PCI address" },
                { "pci:", "no PCI address" },
                { "id:1002", "no vendor:device" },
                { "id:1002:150ef", "no vendor:device" },
                { "id:1002:150e#0", "#N counts from 1" },
                { "id:1002:150e#", "#N counts from 1" },
                { "id:1002:150e#-1", "#N counts from 1" },
                { "driver:", "cannot be one" },
                { "driver:a/b", "cannot be one" },
                { "mapping:x", "cannot be one" },
                { "mapping:1gpu", "cannot be one" },
                { "mapping:a.b", "cannot be one" },
                { "platform:../x", "cannot be one" },
                { "card:0", "accepted:" },
                { "pci:01:00.0 nonsense", "accepted:" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                refuse("gpu", cases[i][0], cases[i][1]);
}

static void test_devices(void **state) {
        struct policy p = with("devices", "card render kfd accel nvidia");

        assert_true(p.devices_set);
        assert_int_equal(p.devices, (1U << NODE_KINDS) - 1);
        p = with("devices", "render");
        assert_int_equal(p.devices, NODE_BIT(NODE_RENDER));
        assert_null(policy_set(&arena, &p, "devices", ""));
        assert_false(p.devices_set);
        refuse("devices", "card renderD128", "renderD128 is none; accepted: some of card, render");
        refuse("devices", "card,render", "card,render is none");
}

static void test_method(void **state) {
        assert_int_equal(with("method", "idmap").method, METHOD_IDMAP);
        assert_int_equal(with("method", "dev").method, METHOD_DEV);
        assert_int_equal(with("method", "auto").method, METHOD_AUTO);
        assert_int_equal(with("method", "").method, METHOD_AUTO);
        refuse("method", "devices", "accepted: auto, idmap, dev");
}

static void test_gids(void **state) {
        assert_int_equal(with("video-gid", "44").gid[GID_VIDEO].set, 44);
        assert_int_equal(with("render-gid", "4294967294").gid[GID_RENDER].set, 4294967294);
        assert_int_equal(with("render-gid", "auto").gid[GID_RENDER].set, GID_AUTO);
        assert_int_equal(with("video-gid", "").gid[GID_VIDEO].set, GID_AUTO);
        refuse("video-gid", "0", "group root");
        refuse("render-gid", "0", "group root");
        refuse("video-gid", "4294967295", "1 to 4294967294");
        refuse("video-gid", "4294967296", "1 to 4294967294");
        refuse("render-gid", "-1", "1 to 4294967294");
        refuse("render-gid", "render", "1 to 4294967294");
        refuse("render-gid", "110 ", "1 to 4294967294");
}

static void test_missing(void **state) {
        struct policy p = with("missing", "wait:20");

        assert_int_equal(p.missing, MISSING_WAIT);
        assert_int_equal(p.wait_seconds, 20);
        assert_null(policy_set(&arena, &p, "missing", "refuse"));
        assert_int_equal(p.missing, MISSING_REFUSE);
        assert_int_equal(p.wait_seconds, 0);
        assert_int_equal(with("missing", "wait:600").wait_seconds, 600);
        assert_int_equal(with("missing", "").missing, MISSING_START);
        refuse("missing", "wait", "wait:1 to wait:600");
        refuse("missing", "wait:", "wait:1 to wait:600");
        refuse("missing", "wait:0", "wait:1 to wait:600");
        refuse("missing", "wait:601", "wait:1 to wait:600");
        refuse("missing", "wait:20s", "wait:1 to wait:600");
        refuse("missing", "stop", "accepted: start, refuse");
}

static void test_on_error(void **state) {
        assert_true(with("on-error", "refuse").refuse_on_error);
        assert_false(with("on-error", "start").refuse_on_error);
        assert_false(with("on-error", "").refuse_on_error);
        refuse("on-error", "ignore", "accepted: start, refuse");
}

static void test_next_hook(void **state) {
        assert_string_equal(with("next-hook", "nas:snippets/a.pl").next_hook, "nas:snippets/a.pl");
        assert_string_equal(with("next-hook", "/usr/local/bin/x").next_hook, "/usr/local/bin/x");
        assert_null(with("next-hook", "").next_hook);
        refuse("next-hook", "a.pl", "STORAGE:snippets/NAME");
        refuse("next-hook", "local:iso/a.pl", "STORAGE:snippets/NAME");
        refuse("next-hook", "local:snippets/../a", "STORAGE:snippets/NAME");
        refuse("next-hook", "local:snippets/..", "names no file");
        refuse("next-hook", "local:snippets/", "names no file");
        refuse("next-hook", "/usr/bin/", "names no file");
        refuse("next-hook", "snippets/a", "STORAGE:snippets/NAME");
        refuse("next-hook", "local:snippets/gpuanchor-hook", "call itself");
}

static void test_guest_keys(void **state) {
        struct policy p = with("guest-users", "ollama  jellyfin ollama");

        assert_int_equal(p.n_guest_users, 2);
        assert_string_equal(p.guest_users[1], "jellyfin");
        assert_int_equal(with("guest-users", "").n_guest_users, 0);
        refuse("guest-users", "ollama a:b", "a:b is no user name");
        refuse("guest-users", "-g", "no user name");
        refuse("guest-users", "a;reboot", "no user name");
        refuse("guest-users", "a23456789012345678901234567890123", "no user name");

        p = with("guest-service", "ollama.service x@1.service");
        assert_int_equal(p.n_guest_services, 2);
        assert_string_equal(p.guest_services[0], "ollama.service");
        refuse("guest-service", "ollama", "does not end in .service");
        refuse("guest-service", ".service", "does not end in .service");
        refuse("guest-service", "../../etc/x.service", "no unit name");
        refuse("guest-service", "a/b.service", "no unit name");
        refuse("guest-service", "..service", "no unit name");
        refuse("guest-service", "$(reboot).service", "no unit name");

        p = with("guest-environment", "OLLAMA_VULKAN=1 _A=b=\"%\\' EMPTY=");
        assert_int_equal(p.n_guest_environment, 3);
        assert_string_equal(p.guest_environment[1], "_A=b=\"%\\'");
        refuse("guest-environment", "OLLAMA_VULKAN", "no NAME=VALUE");
        refuse("guest-environment", "=1", "no NAME=VALUE");
        refuse("guest-environment", "1A=1", "no NAME=VALUE");
        refuse("guest-environment", "A-B=1", "no NAME=VALUE");
        refuse("guest-environment", "A=\xc3\xa4", "printable ASCII");

        assert_true(with("guest-groups", "ensure").guest_groups);
        assert_false(with("guest-groups", "leave").guest_groups);
        assert_false(with("guest-groups", "").guest_groups);
        refuse("guest-groups", "create", "accepted: leave, ensure");
        assert_int_equal(fresh().guest_timeout, 10);
        assert_int_equal(with("guest-timeout", "300").guest_timeout, 300);
        assert_int_equal(with("guest-timeout", "").guest_timeout, 10);
        refuse("guest-timeout", "0", "accepted: 1 to 300");
        refuse("guest-timeout", "301", "accepted: 1 to 300");
}

static void test_presets(void **state) {
        static const char *const names[] = { "ollama", "jellyfin", "plex", "frigate" };
        static const struct gpu strix = { .driver = "amdgpu", .ids = { 0x1002, 0x150e, 0x1f66, 0x31 } },
                                navi = { .driver = "amdgpu", .ids = { 0x1002, 0x744c, 0x1002, 0xe3b } },
                                uhd = { .driver = "i915", .ids = { 0x8086, 0x4680, 0x8086, 1 } },
                                ada = { .driver = "nvidia", .ids = { 0x10de, 0x2684, 0x10de, 1 } },
                                held = { .driver = "vfio-pci", .ids = { 0x1002, 0x150e, 1, 2 } },
                                bare = { .ids = { 0x1002, 0x150e, 1, 2 } };
        static const struct {
                const struct gpu *gpus[2];
                const char *environment;
        } cases[] = {
                { { &strix }, "OLLAMA_VULKAN=1 HSA_OVERRIDE_GFX_VERSION=11.0.3" },
                { { &navi }, "OLLAMA_VULKAN=1" },
                { { &strix, &navi }, "OLLAMA_VULKAN=1" },
                { { &navi, &strix }, "OLLAMA_VULKAN=1" },
                { { &strix, &uhd }, "OLLAMA_VULKAN=1 HSA_OVERRIDE_GFX_VERSION=11.0.3" },
                { { &strix, &ada }, "OLLAMA_VULKAN=1 HSA_OVERRIDE_GFX_VERSION=11.0.3" },
                { { &uhd }, "OLLAMA_VULKAN=1" },
                { { &ada }, "" },
                { { &held }, "" },
                { { &bare }, "" },
                { { NULL }, "" },
        };

        for (size_t i = 0; i < ELEMENTS(names); i++) {
                const struct preset *preset = preset_find(names[i]);
                struct policy p = fresh();

                assert_non_null(preset);
                assert_null(policy_set(&arena, &p, "guest-users", preset->users));
                assert_null(policy_set(&arena, &p, "guest-service", preset->services));
                assert_int_equal(p.n_guest_services, 1);
                assert_non_null(strstr(preset_names(&arena), names[i]));
        }
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const struct gpu *gpus[] = { cases[i].gpus[0], cases[i].gpus[1] };
                struct gpu_list list = { gpus, gpus[0] ? gpus[1] ? 2 : 1 : 0 };

                assert_string_equal(preset_environment(&arena, preset_find("ollama"), &list),
                                    cases[i].environment);
                assert_string_equal(preset_environment(&arena, preset_find("plex"), &list), "");
        }
        assert_null(preset_find("olama"));
        assert_null(preset_find(""));
}

static void test_unknown_key(void **state) {
        refuse("gpus", "auto", "did you mean gpu?");
        refuse("video_gid", "44", "did you mean video-gid?");
        refuse("Method", "dev", "did you mean method?");
        refuse("onerror", "start", "did you mean on-error?");
        refuse("colour", "red", "accepted: gpu, devices");
        refuse("", "x", "unknown key");
        assert_null(policy_key_meant("colour"));
        assert_string_equal(policy_key_meant("device"), "devices");
}

#define SAMPLE_VARIABLE "pve1 00ff00ff00ff00ff /dev/dri/renderD128 pci0000:00/02.0#1"

static struct policy sample(void) {
        static struct card gpus[] = {
                { .address = "0000:c1:00.0", .ids = { 0x1002, 0x150e, 0x1f66, 0x0031 } },
                { .address = "fb000000.gpu", .ids = { 0 } },
        };
        static struct pin pin = { "pve1", gpus, 2 };
        static struct parked_line lines[] = {
                { "dev0: /dev/dri/renderD128,gid=110" },
                { " odd \\ ; line\t", "lxc.a: b;", 12 },
                { "second", "lxc.a: b;", 12 },
                { "first", "", 0 },
        };
        static struct char_major majors[] = { { 511, "nvidia-uvm" } };
        struct policy p = fresh();

        p.pins = &pin;
        p.n_pins = 1;
        p.gid[GID_VIDEO].known = 44;
        p.parked = (struct parked){ lines, ELEMENTS(lines) };
        p.majors = (struct majors){ majors, 1 };
        assert_true(named_node_parse(&arena, BYTES(SAMPLE_VARIABLE), &p.named_nodes));
        return p;
}

#define SAMPLE_PIN \
        "[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031\ngpu = fb000000.gpu - -\n"
#define SAMPLE_MEMORY                                                                          \
        "[memory]\nvideo-gid = 44\nmajor = 511 nvidia-uvm\n"                                  \
        "variable = " SAMPLE_VARIABLE "\n"                                                   \
        "line = dev0: /dev/dri/renderD128,gid=110\nbehind = 12 lxc.a: b\\x3b\n"                \
        "line = \\x20odd \\\\ \\x3b line\\x09\nline = second\nbehind = 0\nline = first\n"

static void test_remember(void **state) {
        static const struct {
                const char *file, *want;
        } cases[] = {
                { "[container]\ngpu = auto\n",
                  "[container]\ngpu = auto\n\n" SAMPLE_PIN "\n" SAMPLE_MEMORY },
                { "[container]\r\ngpu = auto",
                  "[container]\r\ngpu = auto\n\n" SAMPLE_PIN "\n" SAMPLE_MEMORY },
                { "[memory]\nvideo-gid=1\n# mine\n\n[pin pve2]\ngpu = x - -\n[container]\n a=b\n",
                  SAMPLE_MEMORY "# mine\n\n[pin pve2]\ngpu = x - -\n[container]\n a=b\n\n"
                  SAMPLE_PIN },
                { "# a\n\n [ pin  pve1 ] ; b\ngpu = y - -\n[pin pve1]\nx\n\n[pin pve10]\n",
                  "# a\n\n" SAMPLE_PIN "\n[pin pve10]\n\n" SAMPLE_MEMORY },
                { "\xef\xbb\xbf[memory]\n", "\xef\xbb\xbf" SAMPLE_MEMORY "\n" SAMPLE_PIN },
        };
        struct policy p = sample();

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct bytes got = policy_remember(&arena, bytes_of(cases[i].file), "pve1", &p);

                assert_string_equal(got.data, cases[i].want);
                assert_true(bytes_equal(policy_remember(&arena, got, "pve1", &p), got));
        }
}

static void test_remember_new_file(void **state) {
        struct policy p = sample(), none = fresh();
        struct bytes got = policy_remember(&arena, (struct bytes){ 0 }, "pve1", &p);

        assert_int_equal(got.data[0], '#');
        assert_non_null(strstr(got.data, "\n\n" SAMPLE_PIN "\n" SAMPLE_MEMORY));
        assert_true(bytes_equal(policy_remember(&arena, got, "pve1", &p), got));
        assert_int_equal(policy_remember(&arena, (struct bytes){ 0 }, "pve1", &none).len, 0);
}

static void test_remember_nothing(void **state) {
        static const char file[] =
                "[container]\ngpu = auto\n\n" SAMPLE_PIN "\n" SAMPLE_MEMORY "# end\n";
        struct policy p = fresh();

        assert_string_equal(policy_remember(&arena, bytes_of(file), "pve1", &p).data,
                            "[container]\ngpu = auto\n# end\n");
        /* without a node the pins stay */
        assert_string_equal(policy_remember(&arena, bytes_of(file), NULL, &p).data,
                            "[container]\ngpu = auto\n\n" SAMPLE_PIN "# end\n");
}

static void test_remember_leaves_out(void **state) {
        char longest[INI_LINE_MAX], *longer = arena_alloc(&arena, INI_LINE_MAX + 1);
        struct parked_line lines[2] = { { longest }, { longer } };
        struct policy p = sample();

        memset(longest, 'x', sizeof(longest));
        longest[INI_LINE_MAX - strlen("line = ")] = '\0';
        memset(longer, 'x', strlen(longest) + 1);
        assert_true(policy_can_park(longest));
        assert_true(policy_can_park(longer));
        assert_false(policy_can_park(""));

        p.parked = (struct parked){ lines, 2 };
        p.majors.n = p.named_nodes.n = 0;
        p.gid[GID_VIDEO].known = 0;
        p.pins[0].node = "pve 1";
        assert_string_equal(policy_remember(&arena, BYTES("#\n"), "pve 1", &p).data,
                            arena_printf(&arena, "#\n\n[memory]\nline = %s\nline = %s\nmore = x\n",
                                         longest, longest));
        p.pins[0].node = "pve1";
}

static void test_remember_bounded(void **state) {
        struct policy p = fresh();

        for (size_t i = 0; i < 4000; i++)
                *ARENA_PUSH(&arena, p.parked.lines, p.parked.n) =
                        (struct parked_line){ "lxc.mount.entry: /dev/dri/card1" };
        assert_true(policy_remember(&arena, BYTES("#\n"), NULL, &p).len < INI_FILE_MAX / 2);
}

/* nothing is written that the reader would refuse; the longest line is 197 bytes */
static void test_setting_problem(void **state) {
        struct setting s = { "next-hook", arena_printf(&arena, "/%0184d", 0) };

        assert_null(setting_problem(&arena, &s));
        s.value = arena_printf(&arena, "/%0185d", 0);
        assert_string_equal(setting_problem(&arena, &s),
                            "next-hook: the value is too long, a line holds 197 bytes");
        s.value = "/a;b";
        assert_non_null(strstr(setting_problem(&arena, &s), "; cannot stand in a policy"));
        s.value = "none";
        assert_non_null(strstr(setting_problem(&arena, &s), "accepted: STORAGE:"));
}

static void take_back(struct policy *p, const char *section, const char *key, const char *value) {
        const char *problem =
                policy_parse_memory(&arena, p, &(struct ini_entry){ section, key, value });

        if (problem)
                fail_msg("%s", problem);
}

static void test_parse_memory(void **state) {
        struct policy p = fresh();

        take_back(&p, "pin pve1", "gpu", "C1:00.0 1002:150e -");
        take_back(&p, "pin pve2", "gpu", "fb0.gpu - -");
        take_back(&p, "pin pve1", "gpu", "c2:00.0 1:2 3:4");
        take_back(&p, "memory", "video-gid", "44");
        take_back(&p, "memory", "render-gid", "110");
        take_back(&p, "memory", "line", "a\\\\b\\x3b");
        assert_int_equal(p.n_pins, 2);
        assert_int_equal(policy_pin(&p, "pve1")->n_gpus, 2);
        assert_string_equal(policy_pin(&p, "pve1")->gpus[0].address, "0000:c1:00.0");
        assert_int_equal(policy_pin(&p, "pve1")->gpus[1].ids.subdevice, 4);
        assert_string_equal(policy_pin(&p, "pve2")->gpus[0].address, "fb0.gpu");
        assert_int_equal(p.gid[GID_VIDEO].known, 44);
        assert_int_equal(p.gid[GID_RENDER].known, 110);
        take_back(&p, "memory", "behind", "12 lxc.a: b\\x3b");
        take_back(&p, "memory", "line", "c");
        take_back(&p, "memory", "major", "511 nvidia-uvm");
        take_back(&p, "memory", "major", "511 nvidia-caps 09b9afe880ff03a7");
        assert_string_equal(p.parked.lines[0].line, "a\\b;");
        assert_null(p.parked.lines[0].behind);
        assert_string_equal(p.parked.lines[1].behind, "lxc.a: b;");
        assert_int_equal(p.parked.lines[1].number, 12);
        assert_int_equal(p.majors.items[0].major, 511);
        assert_string_equal(majors_write(&arena, "", &p.majors).data,
                            "511 nvidia-uvm\n511 nvidia-caps 09b9afe880ff03a7\n");
}

/* A start was killed between two files: the new majors count for the lines that it wrote. */
static void test_majors_only(void **state) {
        struct policy p = fresh();
        struct majors m;

        take_back(&p, "memory", "major", "236 nvidia-uvm");
        take_back(&p, "memory", "major", "237 nvidia-caps");
        take_back(&p, "memory", "major", "235 nvidia-uvm 09b9afe880ff03a7");
        take_back(&p, "memory", "major", "236 nvidia-caps 09b9afe880ff03a7");
        m = majors_only(&arena, &p.majors, "09b9afe880ff03a7");
        assert_string_equal(majors_write(&arena, "", &m).data, "235 nvidia-uvm\n236 nvidia-caps\n");
        m = majors_only(&arena, &p.majors, "09b9afe880ff03a8");
        assert_string_equal(majors_write(&arena, "", &m).data, "236 nvidia-uvm\n237 nvidia-caps\n");
        m = majors_only(&arena, &p.majors, NULL);
        assert_string_equal(majors_write(&arena, "", &m).data, "236 nvidia-uvm\n237 nvidia-caps\n");
}

static void test_parse_memory_wrong(void **state) {
        static const char *const cases[][3] = {
                { "pin pve1", "gpu", "c1:00.0" },          { "pin pve1", "gpu", "" },
                { "pin pve1", "gpu", "c1:00.0 1002 -" },   { "pin pve1", "gpu", "c1:00.0 - - usb" },
                { "pin pve1", "gpu", "c1:00.0 1:22222 -" }, { "pin pve1", "gid", "1" },
                { "pin", "gpu", "c1:00.0 - -" },           { "pin a b", "gpu", "c1:00.0 - -" },
                { "memory", "line", "" },                  { "memory", "line", "\\" },
                { "memory", "line", "a\\x0" },             { "memory", "line", "\\x00" },
                { "memory", "line", "\\n" },               { "memory", "video-gid", "0" },
                { "memory", "render-gid", "x" },           { "memory", "gpu", "auto" },
                { "memory", "variable", "pve1 0 /dev/dri/card0" },
                { "memory", "variable", SAMPLE_VARIABLE " more" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct policy p = fresh(), before = p;
                assert_non_null(policy_parse_memory(
                        &arena, &p,
                        &(struct ini_entry){ cases[i][0], cases[i][1], cases[i][2] }));
                assert_memory_equal(&p, &before, sizeof(p));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_pci_address),
                cmocka_unit_test(test_gpu),
                cmocka_unit_test(test_gpu_several),
                cmocka_unit_test(test_gpu_wrong),
                cmocka_unit_test(test_devices),
                cmocka_unit_test(test_method),
                cmocka_unit_test(test_gids),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_on_error),
                cmocka_unit_test(test_next_hook),
                cmocka_unit_test(test_guest_keys),
                cmocka_unit_test(test_presets),
                cmocka_unit_test(test_unknown_key),
                cmocka_unit_test(test_remember),
                cmocka_unit_test(test_remember_new_file),
                cmocka_unit_test(test_remember_nothing),
                cmocka_unit_test(test_remember_leaves_out),
                cmocka_unit_test(test_remember_bounded),
                cmocka_unit_test(test_setting_problem),
                cmocka_unit_test(test_parse_memory),
                cmocka_unit_test(test_majors_only),
                cmocka_unit_test(test_parse_memory_wrong),
        };

        return cmocka_run_group_tests_name("policy", tests, NULL, teardown);
}
