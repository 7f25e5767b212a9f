/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* test-recognise - lines by what their paths lead to, on a host whose answers are written down here
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/conf/recognise.h"
#include "model/conf/survey.h"
#include "sample-host.h"

static struct arena arena;

static int teardown(void **state) {
        arena_done(&arena);
        return 0;
}

#define DEVICE(path_, major_, minor_, leads_)                                                      \
        {                                                                                          \
                .path = (path_), .kind = SOURCE_DEVICE, .number = { (major_), (minor_), false },   \
                .leads_to = (leads_)                                                               \
        }
#define OTHER(path_, kind_, leads_)                                                                \
        { .path = (path_), .kind = (kind_), .leads_to = (leads_) }

static struct source answers[] = {
        DEVICE("/dev/dri/amd-render", 226, 128, "/dev/dri/renderD128"),
        DEVICE("/dev/dri/by-path/pci-0000:02:00.0-render", 226, 128, "/dev/dri/renderD128"),
        DEVICE("/dev/dri/by-path/pci-0000:01:00.0-render", 226, 128, "/dev/dri/renderD128"),
        DEVICE("/dev/dri/renderD129", 226, 129, "/dev/dri/renderD129"),
        DEVICE("/dev/dri/card9", 10, 200, "/dev/dri/card9"),
        DEVICE("/dev/dri/card1", 10, 200, "/dev/dri/card1"),
        DEVICE("/lxc/101/nvidia0", 195, 0, "/lxc/101/nvidia0"),
        DEVICE("/lxc/101/nvidia7", 195, 7, "/lxc/101/nvidia7"),
        DEVICE("/lxc/101/uvm", 507, 0, "/lxc/101/uvm"),
        DEVICE("/lxc/101/tuner", 212, 0, "/lxc/101/tuner"),
        { .path = "/dev/dri/card8",
          .kind = SOURCE_DEVICE,
          .number = { 226, 128, true },
          .leads_to = "/dev/sda" },
        OTHER("/dev/dri", SOURCE_FOLDER, "/dev/dri"),
        OTHER("/srv/dri", SOURCE_FOLDER, "/dev/dri"),
        OTHER("/srv/all", SOURCE_FOLDER, "/dev"),
        OTHER("/dev/dri/by-path", SOURCE_FOLDER, "/dev/dri/by-path"),
        OTHER("/srv/media", SOURCE_FOLDER, "/srv/media"),
        OTHER("/dev/dri/card0", SOURCE_FILE, "/dev/dri/card0"),
        OTHER("/srv/file", SOURCE_FILE, "/srv/file"),
        OTHER("/dev/dri/renderD140", SOURCE_NOTHING, "/dev/dri/renderD140"),
        OTHER("/srv/late", SOURCE_NOTHING, "/dev/dri/renderD128"),
        OTHER("/srv/gone", SOURCE_NOTHING, "/srv/gone"),
        OTHER("/dev/dri/fb0", SOURCE_NOTHING, "/dev/dri/fb0"),
        OTHER("dev/dri/renderD128", SOURCE_NOTHING, "/dri/renderD128"),
        OTHER("/mnt/nas/x", SOURCE_UNKNOWN, "/mnt/nas/x"),
};

static struct char_major majors[] = { { 226, "drm" }, { 212, "DVB" }, { 510, "nvidia-uvm" } };

static struct facts host(void) {
        struct facts f = sample_host;

        f.sources = (struct sources){ answers, ELEMENTS(answers) };
        f.majors = majors;
        f.n_majors = ELEMENTS(majors);
        return f;
}

/* "kind GPU", what a line is taken for */
static const char *seen(const char *text) {
        struct facts f = host();
        struct pctconf c;
        struct devline d;
        const struct gpu *gpu;
        const char *kind = "?";

        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &c);
        assert_int_equal(c.n_lines, 2);
        d = recognise_line(&arena, &f, &c.lines[1]);
        if (d.type == DEVLINE_NONE)
                return "foreign";
        if (d.type == DEVLINE_MENTION)
                return "mention";
        if (d.type == DEVLINE_WHOLE)
                return d.broken ? "whole, broken" : "whole";
        if (d.path.scope == PATH_FOLDER)
                return "folder";
        for (int i = 0; i < NODE_KINDS; i++)
                if (devline_kinds(&f, &d) == NODE_BIT(i))
                        kind = node_kind_name(i);
        gpu = devline_gpu(&f, &d);
        return gpu ? arena_printf(&arena, "%s %.2s", kind, gpu->address + 5) : kind;
}

#define MOUNT(source, target)                                                                      \
        "lxc.mount.entry: " source " " target " none bind,optional,create=file"

static void test_seen(void **state) {
        static const struct {
                const char *line, *what;
        } cases[] = {
                { MOUNT("/dev/dri/amd-render", "dev/dri/amd-render"), "render 02" },
                { "dev0: /dev/dri/amd-render,gid=104", "render 02" },
                { "dev0: path=/dev/dri/amd-render", "render 02" },
                { MOUNT("/dev/dri/renderD129", "dev/dri/renderD129"), "render 01" },
                /* an address is one, until its link leads to another */
                { MOUNT("/dev/dri/by-path/pci-0000:02:00.0-render", "x"), "render 02" },
                { MOUNT("/dev/dri/by-path/pci-0000:01:00.0-render", "x"), "render 02" },
                /* a name without the number */
                { MOUNT("/dev/dri/card9", "dev/net/tun"), "foreign" },
                { MOUNT("/dev/dri/card8", "dev/sdz"), "foreign" },
                { "dev0: /dev/dri/card9", "foreign" },
                /* the kernel has that node, and /dev a wrong one */
                { MOUNT("/dev/dri/card1", "dev/dri/card1"), "card 02" },
                { MOUNT("/dev/dri/card0", "dev/dri/card0"), "card 01" },
                /* private nodes, one of a GPU that is not there, one of a major that is no driver's
                 */
                { MOUNT("/lxc/101/nvidia0", "dev/nvidia0"), "nvidia 03" },
                { MOUNT("/lxc/101/nvidia0", "dev/dri/card1"), "nvidia 03" },
                { MOUNT("/lxc/101/nvidia7", "dev/nvidia0"), "nvidia" },
                { MOUNT("/lxc/101/uvm", "dev/nvidia-uvm"), "nvidia" },
                { MOUNT("/lxc/101/uvm", "dev/uvm"), "foreign" },
                { MOUNT("/lxc/101/tuner", "dev/nvidia-uvm"), "foreign" },
                /* folders */
                { MOUNT("/dev/dri", "dev/dri"), "folder" },
                { MOUNT("/srv/dri", "dev/gpu"), "folder" },
                { MOUNT("/dev/dri/by-path", "dev/dri/by-path"), "foreign" },
                { MOUNT("/srv/media", "dev/dri/card1"), "foreign" },
                { MOUNT("/srv/file", "dev/dri/card1"), "foreign" },
                /* nothing there: its own name, its link's, its target's */
                { MOUNT("/dev/dri/renderD140", "x"), "render" },
                { MOUNT("/srv/late", "x"), "render 02" },
                { MOUNT("/srv/gone", "dev/nvidia0"), "nvidia 03" },
                { MOUNT("/srv/gone", "dev/x"), "foreign" },
                { MOUNT("/dev/dri/fb0", "dev/fb0"), "foreign" },
                { "dev0: /dev/dri/fb0", "foreign" },
                { MOUNT("dev/dri/renderD128", "x"), "render 02" },
                /* not looked up */
                { MOUNT("/mnt/nas/x", "dev/dri/renderD128"), "render 02" },
                { MOUNT("/mnt/nas/x", "dev/x"), "foreign" },
                /* the container's own, and no bind */
                { "lxc.mount.entry: dev/dri/card1 x none bind,relative", "foreign" },
                { "lxc.mount.entry: tmpfs dev/dri tmpfs size=1M", "foreign" },
                /* everything */
                { "mp0: /dev/dri,mp=/dev/dri", "whole, broken" },
                { "mp0: /dev/dri/renderD129,mp=/x", "whole, broken" },
                { "mp0: /dev/dri/card8,mp=/x", "mention" },
                { "mp0: /srv/dri,mp=/x", "whole" },
                { "mp0: /srv/all,mp=/x", "whole" },
                { "mp0: /srv/media,mp=/dev/x", "foreign" },
                { MOUNT("/srv/all", "x"), "whole" },
                { MOUNT("/srv/file", "dev"), "foreign" },
                { "lxc.mount.entry: o dev overlay lowerdir=/srv/media:/srv/dri", "whole" },
                { "lxc.mount.entry: o dev overlay lowerdir=/srv/media", "foreign" },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++)
                if (strcmp(seen(cases[i].line), cases[i].what) != 0)
                        fail_msg("%s: %s, not %s", cases[i].line, seen(cases[i].line),
                                 cases[i].what);
}

/* What is asked for: paths of the host, as LXC and Proxmox read them. */
static void test_asked(void **state) {
        static const char text[] =
                "dev0: /dev/dri/card0,gid=44\n"
                "lxc.mount.entry: /srv/my\\040gpu\\134x/\\137 dev/dri/card1 none bind\n"
                "lxc.mount.entry: \"/dev/kfd dev/kfd none rbind,optional\"\n"
                "lxc.mount.entry: dev/dri/card2 x none bind,relative\n"
                "lxc.mount.entry: tmpfs tmp tmpfs defaults\n"
                "lxc.mount.entry: /dev/dri/card0 x none bind\n"
                "mp0: /srv,mp=/srv\n"
                "mp1: local:101/vm-101-disk-1.raw,mp=/data\n"
                "lxc.mount.entry: o dev overlay lowerdir=/a:/b,upperdir=/c,workdir=/d\n"
                "lxc.cgroup2.devices.allow: c 226:0 rwm\n";
        static const char *const paths[] = { "/dev/dri/card0", "/srv/my gpu\\x/\\137", "/dev/kfd",
                                             "/srv", "/a", "/b", "/c" };
        struct sources s = { 0 };
        struct pctconf c;

        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &c);
        recognise_ask(&arena, &c, &s);
        assert_int_equal(s.n, ELEMENTS(paths));
        for (size_t i = 0; i < s.n; i++)
                assert_string_equal(s.items[i].path, paths[i]);
}

/* /proc/devices is read for a number only if a GPU's driver could have it. */
static void test_majors(void **state) {
        static const struct {
                const char *line;
                bool needed;
        } cases[] = {
                { MOUNT("/dev/dri/amd-render", "x"), false },
                { MOUNT("/lxc/101/nvidia0", "dev/nvidia0"), false },
                { MOUNT("/lxc/101/uvm", "dev/nvidia-uvm"), true },
                { MOUNT("/lxc/101/uvm", "dev/uvm"), false },
                { MOUNT("/dev/dri/card9", "dev/net/tun"), false },
                { MOUNT("/srv/gone", "dev/nvidia-uvm"), false },
                { "lxc.cgroup2.devices.allow: c 226:0 rwm", false },
                { "lxc.cgroup2.devices.allow: c 507:0 rwm", true },
        };
        struct facts f = host();

        f.n_majors = 0;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                struct pctconf c;
                struct survey s;

                pctconf_parse(&arena, PCTCONF_PVE, bytes_of(cases[i].line), &c);
                survey_make(&arena, &f, &c, &s);
                if (s.needs_majors != cases[i].needed)
                        fail_msg("%s", cases[i].line);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_seen),
                cmocka_unit_test(test_asked),
                cmocka_unit_test(test_majors),
        };

        return cmocka_run_group_tests_name("recognise", tests, NULL, teardown);
}
