/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-devline - every spelling of a device line that people have published, and rubbish */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/conf/recognise.h"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

static struct devline parse(const char *text) {
        struct pctconf c;

        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &c);
        assert_int_equal(c.n_lines, 2);
        return recognise_line(&arena, NULL, &c.lines[1]);
}

static void assert_bytes(struct bytes got, const char *want) {
        if (!bytes_equal(got, bytes_of(want)))
                fail_msg("'%.*s', wanted '%s'", (int)got.len, got.data ? got.data : "", want);
}

static void test_paths(void **state) {
        static const struct {
                const char *path;
                enum path_scope scope;
                enum node_kind kind;
                const char *clean;
        } cases[] = {
                { "/dev/dri/card0", PATH_NODE, NODE_CARD, "/dev/dri/card0" },
                { "/dev/dri/card10", PATH_NODE, NODE_CARD, "/dev/dri/card10" },
                { "/dev/dri/renderD128", PATH_NODE, NODE_RENDER, "/dev/dri/renderD128" },
                { "//dev//dri///renderD128//", PATH_NODE, NODE_RENDER, "/dev/dri/renderD128" },
                { "/dev/./dri/../dri/card1", PATH_NODE, NODE_CARD, "/dev/dri/card1" },
                { "/dev/kfd", PATH_NODE, NODE_KFD, "/dev/kfd" },
                { "/dev/accel/accel0", PATH_NODE, NODE_ACCEL, "/dev/accel/accel0" },
                { "/dev/nvidia0", PATH_NODE, NODE_NVIDIA, "/dev/nvidia0" },
                { "/dev/nvidiactl", PATH_NODE, NODE_NVIDIA, "/dev/nvidiactl" },
                { "/dev/nvidia-uvm-tools", PATH_NODE, NODE_NVIDIA, "/dev/nvidia-uvm-tools" },
                { "/dev/nvidia-caps/nvidia-cap1", PATH_NODE, NODE_NVIDIA,
                  "/dev/nvidia-caps/nvidia-cap1" },
                { "/dev/dri", PATH_FOLDER, NODE_CARD, "/dev/dri" },
                { "/dev/dri/", PATH_FOLDER, NODE_CARD, "/dev/dri" },
                { "/dev/accel", PATH_FOLDER, NODE_ACCEL, "/dev/accel" },
                { "/dev/nvidia-caps", PATH_FOLDER, NODE_NVIDIA, "/dev/nvidia-caps" },
                { "/dev/dri/by-path/pci-0000:c7:00.0-card", PATH_ADDRESS, NODE_CARD, NULL },
                { "/dev/dri/by-path/pci-0000:c7:00.0-render", PATH_ADDRESS, NODE_RENDER, NULL },
                { "/dev/dri/by-path/platform-fb000000.gpu-render", PATH_ADDRESS, NODE_RENDER,
                  NULL },
                { "/dev/dri/by-path/pci-0000:c7:00.0", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/by-path/usb-1-card", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/card", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/card0x", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/renderD", PATH_UNKNOWN, NODE_RENDER, NULL },
                { "/dev/dri/card99999999999", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/controlD64", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev/dri/my-gpu", PATH_UNKNOWN, NODE_CARD, NULL },
                { "/dev", PATH_ALL, NODE_CARD, NULL },
                { "/dev/", PATH_ALL, NODE_CARD, NULL },
                { "/", PATH_ALL, NODE_CARD, NULL },
                { "", PATH_OTHER, NODE_CARD, NULL },
                { "dev/dri/card0", PATH_OTHER, NODE_CARD, NULL },
                { "/dev/drill", PATH_OTHER, NODE_CARD, NULL },
                { "/dev/kfd0", PATH_OTHER, NODE_CARD, NULL },
                { "/dev/fb0", PATH_OTHER, NODE_CARD, NULL },
                { "/dev/apex_0", PATH_OTHER, NODE_CARD, NULL },
                { "/srv/dev/dri/card0", PATH_OTHER, NODE_CARD, NULL },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct gpu_path p = gpu_path_parse(&arena, bytes_of(cases[i].path));

                if (p.scope != cases[i].scope ||
                    (p.scope != PATH_OTHER && p.scope != PATH_UNKNOWN && p.kind != cases[i].kind))
                        fail_msg("%s: scope %d kind %d", cases[i].path, p.scope, p.kind);
                if (cases[i].clean)
                        assert_bytes(p.clean, cases[i].clean);
        }
        assert_bytes(
                gpu_path_parse(&arena, BYTES("/dev/dri/by-path/pci-0000:c7:00.0-card")).address,
                "0000:c7:00.0");
        assert_bytes(gpu_path_parse(&arena, BYTES("/dev/dri/by-path/platform-fb000000.gpu-render"))
                             .address,
                     "fb000000.gpu");
        assert_int_equal(gpu_path_parse(&arena, BYTES("/dev/dri")).kinds,
                         NODE_BIT(NODE_CARD) | NODE_BIT(NODE_RENDER));
}

static void test_mounts(void **state) {
        static const struct {
                const char *value, *target, *options;
                bool broken;
        } cases[] = {
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,create=file", "dev/dri/card0",
                  "none bind,optional,create=file", false },
                { "/dev/dri/card0 /dev/dri/card0 none bind,optional,create=file 0, 0",
                  "dev/dri/card0", "none bind,optional,create=file 0, 0", false },
                { "/dev/dri/card0\tdev/dri/card0  none\tbind,create=file 0\t0", "dev/dri/card0",
                  "none\tbind,create=file 0\t0", false },
                { "\"/dev/dri/card0 dev/dri/card0 none bind\"", "dev/dri/card0", "none bind",
                  false },
                { "/dev/dri dev/dri none rbind,optional,create=dir", "dev/dri",
                  "none rbind,optional,create=dir", false },
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,create=file 0,0 # iGPU",
                  "dev/dri/card0", "none bind,optional,create=file 0,0 # iGPU", false },
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,create=fi>", "dev/dri/card0",
                  "none bind,optional,create=fi>", true },
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,cr", "dev/dri/card0",
                  "none bind,optional,cr", true },
                { "/dev/dri/card0 dev/dri/card0 none bind,option", "dev/dri/card0",
                  "none bind,option", true },
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,create=file,ro", "dev/dri/card0",
                  "none bind,optional,create=file,ro", false },
                { "/dev/dri/card0 dev/dri/card0 none bind,opt>", "dev/dri/card0", "none bind,opt>",
                  true },
                { "/dev/dri/card0 dev/dri/card0 none bind,optional,create", "dev/dri/card0",
                  "none bind,optional,create", true },
                { "/dev/dri/card0 dev/dri/card0 none optional", "dev/dri/card0", "none optional",
                  true },
                { "/dev/dri/card0 dev/dri/card0 none", "dev/dri/card0", "none", true },
                { "/dev/dri/card0 dev/dri/card0", "dev/dri/card0", "", true },
                { "/dev/dri/card0", "", "", true },
                { "/dev/dri/card0/ dev/dri/card0 none bind", "dev/dri/card0", "none bind", true },
                { "/dev/dri/ dev/dri none bind", "dev/dri", "none bind", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct devline d =
                        parse(arena_printf(&arena, "lxc.mount.entry: %s", cases[i].value));

                assert_int_equal(d.type, DEVLINE_MOUNT);
                assert_bytes(d.target, cases[i].target);
                assert_bytes(d.options, cases[i].options);
                if ((d.broken != NULL) != cases[i].broken)
                        fail_msg("%s: %s", cases[i].value, d.broken ? d.broken : "taken for right");
        }
        assert_bytes(
                parse("lxc.mount.entry = /dev/dri/card1 dev/dri/card0 none bind").target_path.clean,
                "/dev/dri/card0");
}

static void test_devs(void **state) {
        static const struct {
                const char *value, *path, *gid, *rest;
                bool broken;
        } cases[] = {
                { "/dev/dri/card0", "/dev/dri/card0", "", "", false },
                { "/dev/dri/card0,gid=44", "/dev/dri/card0", "44", "", false },
                { "path=/dev/dri/card0,gid=44", "/dev/dri/card0", "44", "", false },
                { "uid=1000,gid=44,path=/dev/dri/card0,mode=0666", "/dev/dri/card0", "44",
                  ",uid=1000,mode=0666", false },
                { "/dev/kfd,gid=993,uid=0", "/dev/kfd", "993", ",uid=0", false },
                { "/dev/dri/card0, gid=44 ,uid=0", "/dev/dri/card0", "44", ",uid=0", false },
                { "/dev/dri/card0,deny-write=1", "/dev/dri/card0", "", ",deny-write=1", false },
                { "/dev/dri/card0,gid=44 # video", "/dev/dri/card0", "44", "", true },
                { "/dev/dri/card0,gid=video", "/dev/dri/card0", "", "", true },
                { "/dev/dri/card0,uid=-1", "/dev/dri/card0", "", "", true },
                { "/dev/dri/card0,mode=666", "/dev/dri/card0", "", "", true },
                { "/dev/dri/card0,colour=red", "/dev/dri/card0", "", "", true },
                { "/dev/dri/card0,/dev/dri/card1", "/dev/dri/card0", "", "", true },
                { "/dev/null,path=/dev/dri/card1", "/dev/dri/card1", "", "", true },
                { "/dev/dri/card0,gid", "/dev/dri/card0", "", "", true },
                { "/dev/dri,gid=44", "/dev/dri", "44", "", true },
                { "/dev/dri/card0/,gid=44", "/dev/dri/card0", "44", "", true },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct devline d = parse(arena_printf(&arena, "dev3: %s", cases[i].value));

                assert_int_equal(d.type, DEVLINE_DEV);
                assert_int_equal(d.index, 3);
                assert_bytes(d.path.clean, cases[i].path);
                assert_bytes(d.gid, cases[i].gid);
                assert_string_equal(d.rest, cases[i].rest);
                if ((d.broken != NULL) != cases[i].broken)
                        fail_msg("%s: %s", cases[i].value, d.broken ? d.broken : "taken for right");
        }
        assert_true(parse("dev0: /dev/dri/card0,deny-write=1").deny_write);
        assert_false(parse("dev0: /dev/dri/card0,deny-write=0").deny_write);
}

static void test_rules(void **state) {
        static const struct {
                const char *value;
                char type;
                uint32_t major, minor;
                bool any_major, any_minor, broken;
                const char *access;
        } cases[] = {
                { "c 226:128 rwm", 'c', 226, 128, false, false, false, "rwm" },
                { "c 226:0 rw", 'c', 226, 0, false, false, false, "rw" },
                { "c 226:* rwm", 'c', 226, 0, false, true, false, "rwm" },
                { "c *:* rwm", 'c', 0, 0, true, true, false, "rwm" },
                { "c 226:128 rwm #igpu", 'c', 226, 128, false, false, false, "rwm #igpu" },
                { "c 226:*  rwm    # DRI", 'c', 226, 0, false, true, false, "rwm    # DRI" },
                { "b 259:0 rwm", 'b', 259, 0, false, false, false, "rwm" },
                { "a", 'a', 0, 0, true, true, false, "" },
                { "a *:* rwm", 'a', 0, 0, true, true, false, "rwm" },
                { "c 226:128", 'c', 226, 128, false, false, true, "" },
                { "c 226 rwm", 'c', 226, 0, false, true, true, "rwm" },
                { "c x:0 rwm", 'c', 0, 0, true, false, true, "rwm" },
                { "d 226:0 rwm", 0, 0, 0, false, false, true, "rwm" },
                { "", 0, 0, 0, false, false, true, "" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct devline d = parse(
                        arena_printf(&arena, "lxc.cgroup2.devices.allow: %s", cases[i].value));

                assert_int_equal(d.type, DEVLINE_ALLOW);
                assert_false(d.legacy);
                assert_int_equal((d.broken != NULL), cases[i].broken);
                assert_int_equal(d.device_type, cases[i].type);
                assert_true(d.any_major == cases[i].any_major);
                assert_true(d.any_minor == cases[i].any_minor);
                assert_int_equal(d.number.major, cases[i].major);
                assert_int_equal(d.number.minor, cases[i].minor);
                assert_bytes(d.access, cases[i].access);
        }
        assert_true(parse("lxc.cgroup.devices.allow: c 226:128 rwm").legacy);
        /* hexadecimal, as stat prints numbers; in a line that LXC reads it is broken */
        assert_int_equal(parse("lxc.cgroup.devices.allow: c e2:80 rwm").number.major, 226);
        assert_int_equal(parse("lxc.cgroup.devices.allow: c e2:80 rwm").number.minor, 128);
        assert_int_equal(parse("lxc.cgroup.devices.allow: c 0xe2:* rwm").number.major, 226);
        assert_non_null(parse("lxc.cgroup.devices.allow: c 226:8f rwm").broken);
        assert_non_null(parse("lxc.cgroup2.devices.allow: c e2:80 rwm").broken);
        /* of a path, in allow alone */
        assert_true(parse("lxc.cgroup2.devices.allow: /dev/dri/card0 rw").by_path);
        assert_string_equal(parse("lxc.cgroup2.devices.allow: /dev/dri/card0 rw").source,
                            "/dev/dri/card0");
        assert_non_null(parse("lxc.cgroup2.devices.allow: /dev/dri/card0").broken);
        assert_non_null(parse("lxc.cgroup2.devices.deny: /dev/dri/card0 rw").broken);
        assert_int_equal(parse("lxc.cgroup2.devices.deny: c 226:128 w").type, DEVLINE_DENY);
}

static void test_others(void **state) {
        static const struct {
                const char *line;
                enum devline_type type;
        } cases[] = {
                { "lxc.idmap: g 44 44 1", DEVLINE_IDMAP },
                { "lxc.hook.pre-start: sh -c \"chown 100000:100108 /dev/dri/renderD128\"",
                  DEVLINE_MENTION },
                { "mp0: /dev/dri,mp=/dev/dri", DEVLINE_WHOLE },
                { "mp0: volume=/dev,mp=/host", DEVLINE_WHOLE },
                { "mp1: /,mp=/host", DEVLINE_WHOLE },
                { "mp1: /dev/sda1,mp=/data", DEVLINE_NONE },
                { "mp: /dev,mp=/host", DEVLINE_NONE },
                { "lxc.mount.entry: /dev/./ host/dev none rbind", DEVLINE_WHOLE },
                { "lxc.mount.entry: / host none rbind", DEVLINE_WHOLE },
                { "lxc.mount.entry: dev dev devtmpfs defaults", DEVLINE_WHOLE },
                { "lxc.mount.entry: o dev overlay lowerdir=/srv:/dev,workdir=/w", DEVLINE_WHOLE },
                { "lxc.mount.entry: o dev overlay lowerdir=/srv,workdir=/dev", DEVLINE_NONE },
                { "mp0: /srv/media,mp=/mnt/media", DEVLINE_NONE },
                { "lxc.mount.entry: /dev/fb0 dev/fb0 none bind,optional,create=file",
                  DEVLINE_NONE },
                { "lxc.mount.entry: /dev/bus/usb/002/ dev/bus/usb/002/ none "
                  "bind,optional,create=dir 0, 0",
                  DEVLINE_NONE },
                { "dev0: /dev/ttyUSB0,gid=20", DEVLINE_NONE },
                { "dev: /dev/dri/card0", DEVLINE_MENTION },
                { "description: see /dev/dri/card0", DEVLINE_NONE },
                { "#dev0: /dev/dri/card0", DEVLINE_NONE },
                { "lxc.autodev: 1", DEVLINE_NONE },
                { "lxc.mount.auto: cgroup:rw", DEVLINE_NONE },
                { "lxc.apparmor.profile: unconfined", DEVLINE_NONE },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (parse(cases[i].line).type != cases[i].type)
                        fail_msg("%s: %d", cases[i].line, parse(cases[i].line).type);
}

static void test_written(void **state) {
        assert_string_equal(devline_mount_value(&arena, BYTES("/dev/dri/card1"), "/dev/dri/card1", BYTES("none rbind 0 0")),
                            "/dev/dri/card1 dev/dri/card1 none rbind 0 0");
        assert_string_equal(devline_mount_value(&arena, BYTES("/dev/kfd"), "/dev/kfd", (struct bytes){ 0 }),
                            "/dev/kfd dev/kfd none bind,optional,create=file");
        assert_string_equal(devline_dev_value(&arena, "/dev/kfd", 104, ",uid=0"),
                            "/dev/kfd,gid=104,uid=0");
        assert_string_equal(devline_dev_value(&arena, "/dev/kfd", -1, ""), "/dev/kfd");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),  cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_devs),   cmocka_unit_test(test_rules),
                cmocka_unit_test(test_others), cmocka_unit_test(test_written),
        };

        return cmocka_run_group_tests_name("devline", tests, NULL, teardown);
}
