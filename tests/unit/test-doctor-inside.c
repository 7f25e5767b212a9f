/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-doctor-inside - what doctor says about a running container
 *
 * A healthy container as the usual guide sets it up, then each of the guide's troubleshooting
 * chapters as the one thing that is different: which checks break, and with what command.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/doctor/running.h"
#include "render/doctor-item.h"

#include <errno.h>

static struct arena arena;

static int done(void **state) {
        arena_done(&arena);
        return 0;
}

/* ---- the healthy container ---- */

static const char show_text[] =
        "Id=ollama.service\nLoadState=loaded\nActiveState=active\nMainPID=77\n"
        "User=ollama\nGroup=\nSupplementaryGroups=video render\n"
        "DeviceAllow=/dev/dri/card1 rw\nDeviceAllow=/dev/dri/renderD128 rw\n"
        "DevicePolicy=auto\nPrivateDevices=no\nEnvironment=OLLAMA_VULKAN=1\n"
        "\nId=jellyfin.service\nLoadState=not-found\n";
static const char vulkan_text[] = "\tdeviceType = PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU\n"
                                  "\tdeviceName = AMD Radeon Graphics (RADV GFX1150)\n";
static const char llvmpipe_text[] = "\tdeviceType = PHYSICAL_DEVICE_TYPE_CPU\n"
                                    "\tdeviceName = llvmpipe (LLVM 19.1.7, 256 bits)\n";
static const char journal_text[] = "msg=\"server config\" env=\"map[]\"\n"
                                   "deviceName = AMD Radeon Graphics (RADV GFX1150)\n"
                                   "load_tensors: offloaded 29/29 layers to GPU\n";

struct sample {
        struct extent uids[1], gids[5];
        struct inside_device devices[2], main_devices[2];
        struct inside_main main;
        const char *units[2];
        struct inside_facts f;
};

static struct inside_program ran(const char *text) {
        return (struct inside_program){ .ran = RAN_DONE, .output = bytes_of(text) };
}

static struct inside_device device(const char *path, enum node_kind kind, uint32_t minor,
                                   uint32_t gid) {
        return (struct inside_device){ .path = path,
                                       .kind = kind,
                                       .expected = true,
                                       .want = { 226, minor, false },
                                       .present = true,
                                       .is_char = true,
                                       .number = { 226, minor, false },
                                       .gid = gid,
                                       .mode = 0660,
                                       .as_gid = gid,
                                       .open = { OPEN_DONE, 0 } };
}

static struct inside_facts *healthy(struct sample *s) {
        *s = (struct sample){
                .uids = { { 0, 100000, 65536 } },
                .gids = { { 0, 100000, 44 },
                          { 44, 44, 1 },
                          { 45, 100045, 65 },
                          { 110, 110, 1 },
                          { 111, 100111, 65425 } },
                .devices = { device("/dev/dri/card1", NODE_CARD, 1, 44),
                             device("/dev/dri/renderD128", NODE_RENDER, 128, 110) },
                .units = { "ollama.service", "jellyfin.service" },
        };
        memcpy(s->main_devices, s->devices, sizeof(s->devices));
        s->main = (struct inside_main){ .pid = 77,
                                        .environment = BYTES("HOME=/\0OLLAMA_VULKAN=1\0"),
                                        .devices = s->main_devices,
                                        .n_devices = 2 };
        s->f = (struct inside_facts){
                .vmid = 101,
                .managed = true,
                .uids = { s->uids, 1 },
                .gids = { s->gids, 5 },
                .passwd = BYTES("root:x:0:0::/root:/bin/bash\nollama:x:998:998::/:/bin/false\n"),
                .group = BYTES("root:x:0:\nvideo:x:44:\nrender:x:110:\nollama:x:998:\n"),
                .has_groupadd = true,
                .expected_gid = { 44, 110 },
                .devices = s->devices,
                .n_devices = 2,
                .drivers = "amdgpu ",
                .busy_percent = 3,
                .busy_gpu = "0000:c1:00.0",
                .vulkan = ran(vulkan_text),
                .vaapi = ran("vainfo: Driver version: Mesa\nVAProfileH264Main : VAEntrypointVLD\n"),
                .systemd = true,
                .units = s->units,
                .n_units = 2,
                .show = ran(show_text),
                .journal = ran(journal_text),
                .mains = &s->main,
                .n_mains = 1,
                .memory = { true, 8ULL << 30, 1ULL << 30 },
        };
        return &s->f;
}

/* ---- what is said ---- */

static struct doctor_report examine(const struct inside_facts *f) {
        struct doctor_report r = { .arena = &arena };

        doctor_inside(&r, f);
        doctor_driver(&r, f);
        doctor_programs(&r, f);
        doctor_services(&r, f);
        return r;
}

/* Names of the checks that are not ok, in the table's order: "inside-node inside-open" */
static const char *amiss(const struct doctor_report *r) {
        struct strbuf b = { .arena = &arena };

        for (enum doctor_check c = 0; c < DOCTOR_CHECKS; c++)
                for (size_t i = 0; i < r->n; i++)
                        if (r->items[i].check == c && r->items[i].verdict >= DOCTOR_WARNING) {
                                strbuf_printf(&b, "%s%s", b.len ? " " : "", doctor_checks[c].name);
                                break;
                        }
        return strbuf_str(&b);
}

static const struct doctor_item *item(const struct doctor_report *r, enum doctor_check c) {
        const struct doctor_item *first = NULL;

        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].check == c && (!first || r->items[i].verdict > first->verdict))
                        first = &r->items[i];
        assert_non_null(first);
        return first;
}

static const char *evidence(const struct doctor_item *i) {
        return doctor_evidence(&arena, i, 101);
}

static const char *command(const struct doctor_item *i) {
        return doctor_command(&arena, i, 101);
}

static void says(const struct doctor_report *r, enum doctor_check c, const char *words) {
        if (!strstr(evidence(item(r, c)), words))
                fail_msg("%s: \"%s\" does not say \"%s\"", doctor_checks[c].name,
                         evidence(item(r, c)), words);
}

static void corrects(const struct doctor_report *r, enum doctor_check c, const char *want) {
        assert_non_null(command(item(r, c)));
        assert_string_equal(command(item(r, c)), want);
}

#define SETTING(lines)                                                                             \
        "pct exec 101 -- sh -c 'mkdir -p /etc/systemd/system/ollama.service.d && printf "          \
        "\"[Service]\\n" lines "\" >>/etc/systemd/system/ollama.service.d/zz-gpu.conf && "         \
        "systemctl daemon-reload && systemctl restart ollama.service'"

#define PRESET "gpuanchor enable 101 --preset ollama; gpuanchor apply 101"

/* A policy that looks after another service: no preset is offered, which would take that away. */
static const char *const jellyfin[] = { "jellyfin.service" };
static const struct policy other_policy = { .guest_services = (const char **)jellyfin,
                                            .n_guest_services = 1 };

static void test_healthy(void **state) {
        struct sample s;
        struct doctor_report r = examine(healthy(&s));

        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_INSIDE_NODE, "226:1 crw-rw---- nobody:video");
        says(&r, DOCTOR_OLLAMA_LOG, "29/29");
        says(&r, DOCTOR_VULKAN, "RADV GFX1150");
        for (size_t i = 0; i < r.n; i++)
                assert_true(r.items[i].verdict != DOCTOR_OK || !command(&r.items[i]));
}

/* ---- NVIDIA's libraries ---- */

static void test_driver_match(void **state) {
        struct sample s;
        struct inside_facts *f = healthy(&s);
        struct driver_library *cuda = &f->libraries[LIBRARY_CUDA];
        struct doctor_report r;

        f->libraries[LIBRARY_ML] = *cuda = (struct driver_library){
                LIBRARY_FOUND, "/usr/lib/libcuda.so.1", "550.144.03", "", 0, 0, false
        };
        r = examine(f);
        assert_false(doctor_has(&r, DOCTOR_DRIVER_MATCH)); /* no NVIDIA module */
        f->nvidia_version = "550.144.03";
        r = examine(f);
        assert_string_equal(amiss(&r), "");
        f->nvidia_version = "550.163.01";
        r = examine(f);
        assert_string_equal(amiss(&r), "driver-match");
        says(&r, DOCTOR_DRIVER_MATCH,
             "/usr/lib/libcuda.so.1 is of 550.144.03, and the host's module is 550.163.01");
        says(&r, DOCTOR_DRIVER_MATCH, "NVIDIA-Linux-x86_64-550.163.01.run");
        cuda->path = "/usr/local/cuda/compat/libcuda.so.1";
        cuda->version = "570.86.10";
        f->libraries[LIBRARY_ML].version = "550.163.01";
        r = examine(f);
        assert_string_equal(amiss(&r), "");
        cuda->version = "535.54.03";
        r = examine(f);
        says(&r, DOCTOR_DRIVER_MATCH, "older than the host's module");
        cuda->of_host = true;
        r = examine(f);
        assert_string_equal(amiss(&r), "");
        *cuda = (struct driver_library){
                LIBRARY_FOUND, "/usr/lib/libcuda.so.1", "550.163.01", "535.54.03", 0, 0, false
        };
        r = examine(f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_DRIVER_MATCH, "files of 535.54.03, which are not loaded");
        cuda->state = LIBRARY_DANGLING;
        r = examine(f);
        says(&r, DOCTOR_DRIVER_MATCH, "is a link that leads nowhere");
        cuda->state = LIBRARY_NONE;
        r = examine(f);
        assert_string_equal(amiss(&r), "driver-match");
        says(&r, DOCTOR_DRIVER_MATCH, "nowhere that the loader looks");
        cuda->state = LIBRARY_UNKNOWN;
        r = examine(f);
        assert_string_equal(amiss(&r), "");
}

/* An image has no groups; what counts is what its init, the application, can open. */
static void test_application(void **state) {
        struct sample s;
        struct inside_facts *f = healthy(&s);
        struct doctor_report r;

        f->init = "1000:1000";
        f->group = f->passwd = (struct bytes){ 0 };
        f->systemd = false;
        f->show = f->journal = f->vulkan = f->vaapi =
                (struct inside_program){ .ran = RAN_ABSENT }; /* no shell, no tool */
        r = examine(f);
        assert_string_equal(amiss(&r), "");
        assert_false(doctor_has(&r, DOCTOR_INSIDE_GROUP));
        says(&r, DOCTOR_INSIDE_OPEN, "as init (1000:1000): it can be opened");
        f->devices[1].open.error = EACCES;
        r = examine(f);
        assert_string_equal(amiss(&r), "inside-open");
        says(&r, DOCTOR_INSIDE_OPEN, "as init (1000:1000): permission denied");
}

/* ---- the guide's chapters ---- */

static void refuse(struct sample *s, size_t i, int error) {
        s->devices[i].open.error = s->main_devices[i].open.error = error;
}

/* 1: renderD128 is nobody:nogroup, because the host's render group is another one now. */
static void test_issue_1_nogroup(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.devices[1].gid = s.main_devices[1].gid = 993;
        refuse(&s, 1, EACCES);
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "inside-node inside-open service-group service-open");
        says(&r, DOCTOR_INSIDE_NODE, "id map does not have its host gid 993");
        says(&r, DOCTOR_INSIDE_OPEN, "EACCES");
        corrects(&r, DOCTOR_INSIDE_NODE, "pct reboot 101");
        s.f.managed = false;
        r = examine(&s.f);
        corrects(&r, DOCTOR_INSIDE_NODE, "gpuanchor enable 101 && pct reboot 101");
}

/* 1, the container's side: its render group is 992, or there is none. */
/* Numbers were exchanged while it ran. No group of the container is to be corrected for that. */
static void test_other_gpu(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s)->stale = true;
        s.devices[0].other = "/dev/dri/card1 of GPU 0000:02:00.0";
        s.devices[0].expected = false;
        s.devices[0].gid = 65534;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "inside-node");
        says(&r, DOCTOR_INSIDE_NODE,
             "it opens another GPU: 226:1 is /dev/dri/card1 of GPU 0000:02:00.0 now");
        corrects(&r, DOCTOR_INSIDE_NODE, "gpuanchor apply 101 && pct reboot 101");
        s.f.stale = false;
        s.devices[0].other = NULL;
        s.devices[0].dead = true;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "inside-node");
        says(&r, DOCTOR_INSIDE_NODE, "it opens nothing: the host removed the node (226:1)");
        corrects(&r, DOCTOR_INSIDE_NODE, "pct reboot 101");
}

static void test_issue_1_group(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.group = BYTES("root:x:0:\nvideo:x:44:\nrender:x:992:\nollama:x:998:\n");
        refuse(&s, 1, EACCES);
        r = examine(&s.f);
        says(&r, DOCTOR_INSIDE_GROUP,
             "gid 992 in the container, where the nodes belong to gid 110");
        corrects(&r, DOCTOR_INSIDE_GROUP, "gpuanchor enable 101 --render-gid 992; pct reboot 101");
        healthy(&s);
        s.f.group = BYTES("root:x:0:\nvideo:x:44:\n");
        r = examine(&s.f);
        corrects(&r, DOCTOR_INSIDE_GROUP,
                 "gpuanchor enable 101 --guest-groups ensure; gpuanchor apply 101");
        s.f.expected_gid[1] = 111; /* gpuanchor would give it another number than the node has */
        r = examine(&s.f);
        corrects(&r, DOCTOR_INSIDE_GROUP, "pct exec 101 -- groupadd -g 110 render");
        s.f.has_groupadd = false;
        r = examine(&s.f);
        corrects(&r, DOCTOR_INSIDE_GROUP,
                 "pct exec 101 -- sh -c 'echo render:x:110: >>/etc/group'");
        s.f.group = BYTES("root:x:0:\nvideo:x:44:\npostdrop:x:110:\n");
        r = examine(&s.f);
        assert_null(command(item(&r, DOCTOR_INSIDE_GROUP)));
        assert_non_null(strstr(evidence(item(&r, DOCTOR_INSIDE_GROUP)), "postdrop"));
}

static const char *show_with(const char *from, const char *to) {
        const char *at = strstr(show_text, from);

        assert_non_null(at);
        return arena_printf(&arena, "%.*s%s%s", (int)(at - show_text), show_text, to,
                            at + strlen(from));
}

/* 2 A: no OLLAMA_VULKAN. */
static void test_issue_2_vulkan(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.show = ran(show_with("OLLAMA_VULKAN=1", "HSA_OVERRIDE_GFX_VERSION=11.0.3"));
        s.main.environment = BYTES("HOME=/");
        s.f.journal = ran("deviceName = llvmpipe (LLVM 19.1.7, 256 bits)\n");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "ollama-vulkan ollama-log");
        corrects(&r, DOCTOR_OLLAMA_VULKAN, PRESET);
        s.f.policy = &other_policy;
        r = examine(&s.f);
        corrects(&r, DOCTOR_OLLAMA_VULKAN, SETTING("Environment=OLLAMA_VULKAN=1\\n"));
        says(&r, DOCTOR_OLLAMA_LOG, "only llvmpipe (LLVM 19.1.7, 256 bits), which is the CPU");
        s.f.show = ran(show_text); /* it is set, for the next start of the service */
        r = examine(&s.f);
        corrects(&r, DOCTOR_OLLAMA_VULKAN, "pct exec 101 -- systemctl restart ollama.service");
        s.main.environment = BYTES("OLLAMA_VULKAN=0");
        assert_string_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->subject, "ollama.service");
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->verdict, DOCTOR_WARNING);
}

/* 2 B: DeviceAllow= lacks a node, names one of yesterday, or the policy is closed. */
static void test_issue_2_device_allow(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        refuse(&s, 1, 0);
        s.main_devices[1].open.error = EPERM;
        s.f.show = ran(show_with("DeviceAllow=/dev/dri/renderD128 rw\n", ""));
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-devices service-open");
        assert_int_equal(item(&r, DOCTOR_SERVICE_DEVICES)->verdict, DOCTOR_FAILED);
        corrects(&r, DOCTOR_SERVICE_DEVICES, PRESET);
        s.f.policy = &other_policy;
        r = examine(&s.f);
        corrects(&r, DOCTOR_SERVICE_DEVICES, SETTING("DeviceAllow=/dev/dri/renderD128 rw\\n"));
        assert_null(command(item(&r, DOCTOR_SERVICE_OPEN)));

        s.f.show = ran(show_with("renderD128", "renderD129"));
        r = examine(&s.f);
        says(&r, DOCTOR_SERVICE_DEVICES, "/dev/dri/renderD129, which does not exist");
        corrects(
                &r, DOCTOR_SERVICE_DEVICES,
                "pct exec 101 -- sh -c 'find /etc/systemd/system/ollama.service* -type f -exec sed "
                "-i "
                "-e \"s|/dev/dri/renderD129\\b|/dev/dri/renderD128|\" {} + && systemctl "
                "daemon-reload && "
                "systemctl restart ollama.service'");

        s.main_devices[1].open.error = 0; /* nothing enforces it here */
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-devices");
        assert_int_equal(item(&r, DOCTOR_SERVICE_DEVICES)->verdict, DOCTOR_WARNING);

        s.f.show = ran(show_with("PrivateDevices=no", "PrivateDevices=yes"));
        s.main_devices[0].present = s.main_devices[1].present = false;
        s.main_devices[0].open.step = s.main_devices[1].open.step = OPEN_NOT_TRIED;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-devices service-open");
        corrects(&r, DOCTOR_SERVICE_DEVICES, SETTING("PrivateDevices=no\\n"));
}

/* 2 C and 3: the user is not in the group; permission denied. */
static void test_issue_3_denied(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.show = ran(show_with("video render", "video"));
        s.main_devices[1].open.error = EACCES;
        s.f.vulkan = ran(llvmpipe_text);
        s.f.journal = ran("/dev/dri/renderD128: Permission denied\ninitial_count=0\n");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "vulkan service-group service-open ollama-log");
        corrects(&r, DOCTOR_SERVICE_GROUP, PRESET);
        s.f.policy = &other_policy;
        r = examine(&s.f);
        corrects(&r, DOCTOR_SERVICE_GROUP,
                 "pct exec 101 -- usermod -aG render ollama && "
                 "pct exec 101 -- systemctl restart ollama.service");
        says(&r, DOCTOR_SERVICE_OPEN, "crw-rw---- nobody:render");
        assert_string_equal(
                evidence(&r.items[r.n - 2]),
                "it was denied access to a node of the GPU; see inside-open and service-open");
        corrects(&r, DOCTOR_VULKAN, "pct exec 101 -- apt-get install -y mesa-vulkan-drivers");
        /* root of an unprivileged container is in no group and has no power over a bound node */
        s.f.show = ran(show_with("User=ollama\nGroup=\nSupplementaryGroups=video render", "User="));
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SERVICE_GROUP)->verdict, DOCTOR_FAILED);
        s.devices[0].uid = s.devices[1].uid = 100000; /* devN: a node of its own */
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SERVICE_GROUP)->verdict, DOCTOR_OK);
}

/* gpuanchor's own verbs are the remedy where they would change something. */
static void test_verbs(void **state) {
        const char *service = "ollama.service", *variable = "OLLAMA_VULKAN=1";
        struct policy named = { .guest_services = &service, .n_guest_services = 1 };
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        s.f.policy = &named;
        s.f.show = ran(show_with("video render", "video"));
        r = examine(&s.f);
        corrects(&r, DOCTOR_SERVICE_GROUP, "gpuanchor apply 101");
        /* the drop-in has the group, and another setting behind it takes it away */
        s.f.show = ran(
                show_with("SupplementaryGroups=video render",
                          "DropInPaths=/etc/systemd/system/ollama.service.d/50-gpuanchor.conf"));
        r = examine(&s.f);
        corrects(&r, DOCTOR_SERVICE_GROUP,
                 "pct exec 101 -- usermod -aG render ollama && "
                 "pct exec 101 -- systemctl restart ollama.service");
        /* the drop-in would not have the variable unless the policy does */
        s.main.environment = BYTES("HOME=/");
        s.f.journal = ran("");
        s.f.show = ran(show_with("OLLAMA_VULKAN=1", ""));
        r = examine(&s.f);
        corrects(&r, DOCTOR_OLLAMA_VULKAN, SETTING("Environment=OLLAMA_VULKAN=1\\n"));
        named.guest_environment = &variable;
        named.n_guest_environment = 1;
        r = examine(&s.f);
        corrects(&r, DOCTOR_OLLAMA_VULKAN, "gpuanchor apply 101");
}

/* 4: 0 % while it answers: no layer on the GPU. */
static void test_issue_4_idle(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.busy_percent = 0;
        s.f.journal = ran("load_tensors: offloaded 0/29 layers to GPU\n");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "ollama-log");
        says(&r, DOCTOR_OLLAMA_LOG, "0/29 layers are on the GPU: the CPU computes all");
        corrects(&r, DOCTOR_OLLAMA_LOG, "pct exec 101 -- systemctl restart ollama.service");
        s.f.journal =
                ran("msg=\"dropping integrated GPU; to enable, set OLLAMA_IGPU_ENABLE=1\" id=0\n"
                    "msg=\"inference compute\" id=cpu library=cpu\n");
        r = examine(&s.f);
        corrects(&r, DOCTOR_OLLAMA_LOG, SETTING("Environment=OLLAMA_IGPU_ENABLE=1\\n"));
}

/* 5: slow, since part of the model stayed on the CPU; memory is short. */
static void test_issue_5_slow(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.journal = ran("load_tensors: offloaded 20/33 layers to GPU\n");
        s.f.memory = (struct inside_memory){ true, 4ULL << 30, 3ULL << 30 };
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "ollama-log ollama-memory");
        assert_int_equal(item(&r, DOCTOR_OLLAMA_LOG)->verdict, DOCTOR_WARNING);
        says(&r, DOCTOR_OLLAMA_MEMORY, "1024 of 4096 MiB");
        corrects(&r, DOCTOR_OLLAMA_MEMORY, "pct set 101 --memory 8192");
}

/* ---- services, and programs ---- */

static void test_ollama_log(void **state) {
        static const struct {
                const char *log;
                enum doctor_verdict verdict;
                const char *words;
        } cases[] = {
                { "", DOCTOR_SKIPPED, "do not mention a GPU" },
                { "msg=\"inference compute\" id=0 library=Vulkan\n", DOCTOR_OK,
                  "it found a GPU; no model" },
                { "msg=\"inference compute\" id=0 library=Vulkan name=\"Vulkan0\"\n", DOCTOR_OK,
                  "it found Vulkan0" },
                { "msg=\"inference compute\" library=cpu\n", DOCTOR_FAILED,
                  "it found no GPU and computes on the CPU" },
                { "Vulkan support disabled\nmsg=\"inference compute\" library=cpu\n", DOCTOR_FAILED,
                  "did not try Vulkan" },
                { "deviceName = llvmpipe (LLVM)\ninitial_count=0\n", DOCTOR_FAILED,
                  "only llvmpipe" },
        };
        struct doctor_report r;
        struct sample s;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                healthy(&s);
                s.f.journal = ran(cases[i].log);
                r = examine(&s.f);
                assert_int_equal(item(&r, DOCTOR_OLLAMA_LOG)->verdict, cases[i].verdict);
                says(&r, DOCTOR_OLLAMA_LOG, cases[i].words);
        }
        s.f.journal.ran = RAN_TIMEOUT;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_LOG)->verdict, DOCTOR_SKIPPED);
        says(&r, DOCTOR_OLLAMA_LOG, "could not be read");
}

/* Where Ollama needs no OLLAMA_VULKAN. */
static void test_ollama_without_vulkan(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        s.f.show = ran(show_with("OLLAMA_VULKAN=1", ""));
        s.main.environment = BYTES("HOME=/");
        s.f.journal = ran("msg=\"inference compute\" id=0 library=rocm\n");
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->verdict, DOCTOR_OK);
        says(&r, DOCTOR_OLLAMA_VULKAN, "found the GPU without it");
        s.f.journal = ran("");
        s.devices[0].kind = NODE_KFD;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->verdict, DOCTOR_OK);
        says(&r, DOCTOR_OLLAMA_VULKAN, "can use ROCm");
        s.f.journal = ran("Vulkan support disabled\n");
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->verdict, DOCTOR_FAILED);
        s.devices[0].kind = NODE_NVIDIA;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_VULKAN)->verdict, DOCTOR_OK);
        says(&r, DOCTOR_OLLAMA_VULKAN, "NVIDIA");
        s.f.memory = (struct inside_memory){ 0 };
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_OLLAMA_MEMORY)->verdict, DOCTOR_SKIPPED);
        s.f.memory = (struct inside_memory){ true, 1ULL << 30, 2ULL << 30 }; /* it was lowered */
        r = examine(&s.f);
        says(&r, DOCTOR_OLLAMA_MEMORY, "0 of 1024 MiB");
}

/* Set for the next start, and none runs now. */
static void test_service_stopped(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        s.f.n_mains = 0;
        s.f.show = ran(show_with("MainPID=77", "MainPID=0"));
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_SERVICE_OPEN, "does not run");
        says(&r, DOCTOR_OLLAMA_VULKAN, "is set");
        s.f.show = ran(show_text); /* its process ended between the two looks */
        s.f.n_mains = 1;
        s.main.pid = 78;
        r = examine(&s.f);
        says(&r, DOCTOR_SERVICE_OPEN, "does not run");
}

/* The kernel's rule for owner, group and others, by the ids that a service really has. */
static void test_service_ids(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s); /* its own group, by Group= and as a number */
        s.f.show = ran(show_with("Group=\nSupplementaryGroups=video render",
                                 "Group=render\nSupplementaryGroups=44 nonsense"));
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        /* a member by /etc/group */
        s.f.show = ran(show_with("SupplementaryGroups=video render", ""));
        s.f.group = BYTES("video:x:44:a,ollama\nrender:x:110:ollama,b\n");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        /* the node is its own: then the owner's bits count and no others */
        s.devices[0].uid = s.devices[1].uid = 100998;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        s.devices[0].mode = s.devices[1].mode = 0066;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-group");
        healthy(&s); /* for everybody */
        s.f.show = ran(show_with("User=ollama\nGroup=\nSupplementaryGroups=video render",
                                 "User=nobody-there"));
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-group");
        s.devices[0].mode = s.devices[1].mode = 0666;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        /* only the card node: a display's */
        s.devices[0].mode = 0660;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SERVICE_GROUP)->verdict, DOCTOR_WARNING);
}

static void test_service_open(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s); /* nothing in its settings says why: a new start of it */
        s.main_devices[1].open.error = EIO;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "service-open");
        corrects(&r, DOCTOR_SERVICE_OPEN, "pct exec 101 -- systemctl restart ollama.service");
        healthy(&s);
        s.main_devices[0].open.error = EIO;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SERVICE_OPEN)->verdict, DOCTOR_WARNING);
        healthy(&s);
        s.main_devices[1].open = (struct open_result){ OPEN_USERNS, EPERM };
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_SERVICE_OPEN, "user namespace");
}

static void test_service_devices(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s); /* a line too many, of a node that has no successor */
        s.f.show = ran(show_with("DeviceAllow=/dev/dri/card1 rw\n",
                                 "DeviceAllow=/dev/dri/card1 rw\nDeviceAllow=/dev/dri/card9 rw\n"
                                 "DeviceAllow=/dev/dri/cardinal rw\n"));
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SERVICE_DEVICES)->verdict, DOCTOR_WARNING);
        says(&r, DOCTOR_SERVICE_DEVICES, "names /dev/dri/card9, which does not exist");
        assert_non_null(strstr(evidence(item(&r, DOCTOR_SERVICE_DEVICES)), "systemctl edit"));
        healthy(&s); /* two of them */
        s.f.show =
                ran(show_with("DeviceAllow=/dev/dri/card1 rw\nDeviceAllow=/dev/dri/renderD128 rw\n",
                              "DeviceAllow=/dev/dri/card9 rw\nDeviceAllow=/dev/dri/renderD9 rw\n"));
        r = examine(&s.f);
        says(&r, DOCTOR_SERVICE_DEVICES, "/dev/dri/card9, /dev/dri/renderD9");
        healthy(&s);
        s.f.show = ran(show_with(
                "DeviceAllow=/dev/dri/card1 rw\nDeviceAllow=/dev/dri/renderD128 rw\n", ""));
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_SERVICE_DEVICES, "no setting restricts devices");
}

static void test_other_units(void **state) {
        static const char *units[] = { "docker.service", "jellyfin.service" };
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        s.f.units = units;
        s.f.show = ran("Id=docker.service\nLoadState=loaded\n");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_SYSTEMD, "Docker gives devices");
        s.f.show.ran = RAN_ABSENT;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SYSTEMD)->verdict, DOCTOR_SKIPPED);
        s.f.show.ran = RAN_NOT;
        r = examine(&s.f);
        says(&r, DOCTOR_SYSTEMD, "could not be run");
        assert_int_equal(item(&r, DOCTOR_SYSTEMD)->verdict, DOCTOR_WARNING);
}

static void test_programs(void **state) {
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        s.f.vulkan.ran = s.f.vaapi.ran = RAN_NOT;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_VULKAN, "could not be run");
        healthy(&s);
        s.f.vulkan = s.f.vaapi = ran("");
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "vulkan va-api");
        says(&r, DOCTOR_VULKAN, "no device");
        corrects(&r, DOCTOR_VULKAN, "pct exec 101 -- apt-get install -y mesa-vulkan-drivers");
        assert_non_null(strstr(evidence(item(&r, DOCTOR_VAAPI)), "mesa-va-drivers"));
        s.f.drivers = "nvidia ";
        r = examine(&s.f);
        assert_null(command(item(&r, DOCTOR_VULKAN)));
        assert_non_null(
                strstr(evidence(item(&r, DOCTOR_VULKAN)), "Vulkan driver in the container"));
        s.f.drivers = "";
        r = examine(&s.f);
        assert_null(command(item(&r, DOCTOR_VULKAN)));
        s.devices[1].open = (struct open_result){ OPEN_SLOW, 0 };
        r = examine(&s.f);
        assert_non_null(strstr(evidence(item(&r, DOCTOR_VULKAN)), "cannot be opened"));
        assert_non_null(strstr(evidence(item(&r, DOCTOR_VAAPI)), "cannot be opened"));
        s.devices[1].open = (struct open_result){ OPEN_DONE, EACCES };
        s.f.vaapi = ran("vainfo: Driver version: Mesa\n"); /* and no profile */
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "inside-open vulkan va-api");
}

static void test_holders(void **state) {
        struct inside_holder holder = { .name = "ollama", .pid = 7, .path = "/dev/dri/renderD128" };
        struct doctor_report r;
        struct sample s;

        healthy(&s);
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_HOLDER)->verdict, DOCTOR_SKIPPED);
        s.f.holders = &holder;
        s.f.n_holders = 1;
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_HOLDER)->verdict, DOCTOR_OK);
        says(&r, DOCTOR_HOLDER, "ollama (process 7 in the container)");
}

/* ---- layers 1 and 2 ---- */

static void test_nodes(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.devices[0].number.minor = 0;
        s.devices[1].is_char = false;
        s.f.n_mains = 0;
        r = examine(&s.f);
        says(&r, DOCTOR_INSIDE_NODE, "226:0, another device; it should be 226:1");
        healthy(&s);
        s.devices[1].present = s.devices[1].is_char = false;
        r = examine(&s.f);
        says(&r, DOCTOR_INSIDE_NODE, "does not exist");
        healthy(&s);
        s.devices[0].expected = false;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "inside-node");
        says(&r, DOCTOR_INSIDE_NODE, "the policy does not give it");
        s.f.n_devices = 0;
        r = examine(&s.f);
        says(&r, DOCTOR_INSIDE_NODE, "no node of a GPU");
}

static void test_open_words(void **state) {
        const struct {
                enum open_step step;
                int error;
                enum doctor_verdict verdict;
                const char *words;
        } cases[] = {
                { OPEN_DONE, EPERM, DOCTOR_FAILED, "layer 2" },
                { OPEN_DONE, ENXIO, DOCTOR_FAILED, "no driver" },
                { OPEN_DONE, ENODEV, DOCTOR_FAILED, "no driver" },
                { OPEN_DONE, ENOENT, DOCTOR_FAILED, "removed during the check" },
                { OPEN_DONE, EBUSY, DOCTOR_FAILED, "allows only one" },
                { OPEN_DONE, EIO, DOCTOR_FAILED, "dmesg" },
                { OPEN_DONE, ENOMEM, DOCTOR_FAILED, "error 12" },
                { OPEN_SLOW, 0, DOCTOR_FAILED, "does not answer" },
                { OPEN_CGROUP, ENOENT, DOCTOR_SKIPPED, "cgroup" },
                { OPEN_USERNS, EPERM, DOCTOR_SKIPPED, "user namespace" },
                { OPEN_IDS, EINVAL, DOCTOR_SKIPPED, "not in the id map" },
                { OPEN_PREPARE, EAGAIN, DOCTOR_SKIPPED, "not tried" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct sample s;
                struct doctor_report r;

                healthy(&s);
                s.devices[1].open = (struct open_result){ cases[i].step, cases[i].error };
                s.devices[0].open = s.devices[1].open;
                r = examine(&s.f);
                assert_int_equal(item(&r, DOCTOR_INSIDE_OPEN)->verdict, cases[i].verdict);
                says(&r, DOCTOR_INSIDE_OPEN, cases[i].words);
        }
}

/* ---- nothing to look at, and lies ---- */

static void test_absent(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.systemd = false;
        s.f.vulkan.ran = s.f.vaapi.ran = RAN_ABSENT;
        s.f.accounts_error = -EFBIG;
        s.f.busy_percent = -1;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "");
        says(&r, DOCTOR_SYSTEMD, "does not run systemd");
        says(&r, DOCTOR_VULKAN, "not installed");
        healthy(&s);
        s.f.vulkan.ran = RAN_TIMEOUT;
        s.f.vaapi.ran = RAN_ENDLESS;
        s.f.show.ran = RAN_TIMEOUT;
        r = examine(&s.f);
        assert_string_equal(amiss(&r), "vulkan va-api systemd");
        s.f.show = ran("");
        r = examine(&s.f);
        says(&r, DOCTOR_SYSTEMD, "no service that is known");
        s.f.n_named = 1; /* the policy names ollama.service */
        s.f.show = ran("Id=ollama.service\nLoadState=not-found\n");
        r = examine(&s.f);
        assert_int_equal(item(&r, DOCTOR_SYSTEMD)->verdict, DOCTOR_FAILED);
}

/* Nothing that comes from the container becomes part of a command that root pastes. */
static void test_commands(void **state) {
        struct sample s;
        struct doctor_report r;

        healthy(&s);
        s.f.policy = &other_policy;
        s.f.passwd = BYTES("x;reboot:x:998:998:::\n");
        s.f.show = ran("Id=ollama.service\nLoadState=loaded\nActiveState=active\nMainPID=77\n"
                       "User=x;reboot\nDeviceAllow=/dev/dri/card1;reboot rw\n"
                       "DeviceAllow=/dev/dri/renderD9$(reboot) rw\nDeviceAllow=/dev/dri/card9 rw\n"
                       "DevicePolicy=$(reboot)\n"
                       "\nId=ollama.service;reboot\nLoadState=loaded\nUser=reboot\n");
        s.main_devices[1].open.error = EPERM;
        s.f.journal = ran("msg=\"inference compute\" library=cpu\ndeviceName = $(reboot)\n");
        s.f.vulkan = ran("deviceName = llvmpipe;reboot\n");
        r = examine(&s.f);
        for (size_t i = 0; i < r.n; i++) {
                const char *got = command(&r.items[i]);

                if (got && strstr(got, "reboot") && !streq(got, "pct reboot 101"))
                        fail_msg("in a command: %s", got);
        }
        assert_int_equal(item(&r, DOCTOR_SERVICE_GROUP)->verdict, DOCTOR_FAILED);
        corrects(&r, DOCTOR_SERVICE_GROUP, SETTING("SupplementaryGroups=render\\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_healthy),
                cmocka_unit_test(test_driver_match),
                cmocka_unit_test(test_application),
                cmocka_unit_test(test_issue_1_nogroup),
                cmocka_unit_test(test_other_gpu),
                cmocka_unit_test(test_issue_1_group),
                cmocka_unit_test(test_issue_2_vulkan),
                cmocka_unit_test(test_issue_2_device_allow),
                cmocka_unit_test(test_issue_3_denied),
                cmocka_unit_test(test_verbs),
                cmocka_unit_test(test_issue_4_idle),
                cmocka_unit_test(test_issue_5_slow),
                cmocka_unit_test(test_ollama_log),
                cmocka_unit_test(test_ollama_without_vulkan),
                cmocka_unit_test(test_service_stopped),
                cmocka_unit_test(test_service_ids),
                cmocka_unit_test(test_service_open),
                cmocka_unit_test(test_service_devices),
                cmocka_unit_test(test_other_units),
                cmocka_unit_test(test_programs),
                cmocka_unit_test(test_holders),
                cmocka_unit_test(test_nodes),
                cmocka_unit_test(test_open_words),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_commands),
        };

        return cmocka_run_group_tests_name("doctor-inside", tests, NULL, done);
}
