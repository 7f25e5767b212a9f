/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fuzz-inside - what a hostile container says can be read, and none of it becomes a command
 *
 * The input is cut at form feeds: systemctl show, /etc/group, /etc/passwd, Ollama's journal,
 * vulkaninfo, vainfo, output of the script of model/upkeep. All of doctor's verdicts about the
 * inside are made from these, and the steps of upkeep.
 */
#include "model/guest/accounts.h"
#include "model/doctor/running.h"
#include "model/guest/program-output.h"
#include "model/guest/unit.h"
#include "model/guest/upkeep-script.h"
#include "render/doctor-item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition) {
                fprintf(stderr, "broken: %s\n", what);
                abort();
        }
}

static bool is_printable(const char *s) {
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        return false;
        return true;
}

/* Nothing that a shell would take for more than a word: none of our commands has these. */
static void require_commands(struct arena *a, const struct doctor_report *r) {
        for (size_t i = 0; i < r->n; i++) {
                const char *command = doctor_command(a, &r->items[i], 101);

                require(is_printable(doctor_evidence(a, &r->items[i], 101)), "a raw escape");
                require(!command || (is_printable(command) && !strpbrk(command, "`$<#!")),
                        "a command of the container's making");
                require(r->items[i].verdict != DOCTOR_OK || !command, "a command for what is right");
        }
        for (enum doctor_verdict d = DOCTOR_OK; d <= DOCTOR_FAILED; d++)
                require(doctor_count(r, d) <= DOCTOR_MAX_ALIKE * DOCTOR_CHECKS, "endless answers");
}

static void read_accounts(struct arena *a, struct bytes group, struct bytes passwd) {
        struct account render;
        uint32_t uid, gid, *gids;
        size_t n = account_member_of(a, group, "ollama", &gids);

        require(n <= group.len, "more groups than bytes");
        require(!account_find(group, "render", &render) ||
                        (account_group(group, "render", &gid) && gid == render.id),
                "a group has two numbers");
        require(account_name(a, group, 110) != NULL, "no name");
        if (account_user(passwd, "ollama", &uid, &gid))
                require(passwd.len >= strlen("ollama:::0:0") - 1, "a user from nothing");
}

static void read_units(struct arena *a, struct bytes show) {
        struct bytes value;
        struct unit *units;
        size_t n = unit_parse(a, show, &units);

        require(n <= 64, "more units than are asked for");
        for (size_t i = 0; i < n; i++) {
                const struct unit *u = &units[i];

                require(u->id && u->user && u->group && u->device_policy, "half a unit");
                require(u->n_devices <= 64 && u->n_supplementary <= 64, "endless lists");
                require(!u->private_devices || !unit_allows(u, "/dev/dri/card1"), "private");
                if (environment_value(u->environment, "OLLAMA_VULKAN", &value))
                        require(value.data >= u->environment.data &&
                                        value.data + value.len <=
                                                u->environment.data + u->environment.len,
                                "a value from elsewhere");
        }
}

static void read_outputs(struct arena *a, struct bytes journal, struct bytes vulkan,
                         struct bytes vaapi) {
        struct ollama_log log = ollama_parse(a, journal);
        struct vulkan_summary v = vulkan_parse(a, vulkan);
        struct vaapi_summary va = vaapi_parse(a, vaapi);

        require(log.loaded || log.layers == 0, "layers without a model");
        require(!log.device || strlen(log.device) <= 200, "a long device");
        require(!v.gpu || strlen(v.gpu) <= 200, "a long GPU");
        require(!va.driver || strlen(va.driver) <= 200, "a long driver");
        require(va.profiles <= vaapi.len, "more profiles than bytes");
}

static struct inside_program ran(struct bytes output) {
        return (struct inside_program){ .ran = RAN_DONE, .output = output };
}

static void judge(struct arena *a, const struct bytes parts[7]) {
        struct extent uids = { 0, 100000, 65536 },
                      gids[] = { { 0, 100000, 110 }, { 110, 110, 1 }, { 111, 100111, 65425 } };
        struct inside_device node = { .path = "/dev/dri/renderD128",
                                      .kind = NODE_RENDER,
                                      .expected = true,
                                      .want = { 226, 128, false },
                                      .present = true,
                                      .is_char = true,
                                      .number = { 226, 128, false },
                                      .gid = 110,
                                      .mode = 0660,
                                      .as_gid = 110,
                                      .open = { OPEN_DONE, 13 } };
        struct inside_device mine = node;
        struct inside_main process = {
                .pid = 77, .environment = parts[0], .devices = &mine, .n_devices = 1
        };
        const char *units[] = { "ollama.service", "jellyfin.service" };
        struct policy policy = { 0 };
        struct inside_facts f = { .vmid = 101,
                                  .policy = &policy,
                                  .uids = { &uids, 1 },
                                  .gids = { gids, ELEMENTS(gids) },
                                  .group = parts[1],
                                  .passwd = parts[2],
                                  .has_groupadd = true,
                                  .expected_gid = { 44, 110 },
                                  .devices = &node,
                                  .n_devices = 1,
                                  .drivers = "amdgpu ",
                                  .vulkan = ran(parts[4]),
                                  .vaapi = ran(parts[5]),
                                  .systemd = true,
                                  .units = units,
                                  .n_units = ELEMENTS(units),
                                  .show = ran(parts[0]),
                                  .journal = ran(parts[3]),
                                  .mains = &process,
                                  .n_mains = 1 };

        for (int named = 0; named < 2; named++) { /* with a preset's command, and without */
                struct doctor_report r = { .arena = a };

                policy.guest_services = &units[1];
                policy.n_guest_services = (size_t)named;
                doctor_inside(&r, &f);
                doctor_programs(&r, &f);
                doctor_services(&r, &f);
                require_commands(a, &r);
        }
}

/* What has to be done follows from the files; what the script prints is only told. */
static void keep(struct arena *a, const struct bytes parts[7]) {
        const char *services[] = { "ollama.service" }, *users[] = { "ollama" };
        const char *nodes[] = { "/dev/dri/renderD128" };
        struct policy p = { .guest_groups = true,
                            .guest_users = users,
                            .n_guest_users = 1,
                            .guest_services = services,
                            .n_guest_services = 1 };
        struct plan_gid gids[GID_GROUPS] = { { .name = "video", .inside = 44 },
                                             { .name = "render", .inside = 110 } };
        struct upkeep_dropin dropin = { "ollama.service", parts[0] };
        struct upkeep_input in = { .policy = &p,
                                   .gids = gids,
                                   .groups = parts[1],
                                   .users = parts[2],
                                   .nodes = nodes,
                                   .n_nodes = 1,
                                   .systemd = true,
                                   .dropins = &dropin,
                                   .n_dropins = 1 };
        struct findings f = { .arena = a };
        struct upkeep u;
        size_t told;

        upkeep_plan(a, &in, &f, &u);
        require(u.n <= 7, "more steps than two groups, two members and a drop-in need");
        (void)upkeep_script(a, &u, UPKEEP_UNIT_DIR);
        told = f.n;
        upkeep_results(&u, parts[6], NULL, &f);
        require(f.n <= told + u.n, "more told than done");
        upkeep_unit_of(a, arena_strndup(a, parts[6].data, parts[6].len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct arena a _cleanup_arena_ = { 0 };
        struct bytes rest = { (const char *)data, size }, parts[7];

        for (size_t i = 0; i < ELEMENTS(parts); i++)
                parts[i] = bytes_cut(&rest, '\f');
        read_accounts(&a, parts[1], parts[2]);
        read_units(&a, parts[0]);
        read_outputs(&a, parts[3], parts[4], parts[5]);
        judge(&a, parts);
        keep(&a, parts);
        return 0;
}
