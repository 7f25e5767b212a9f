/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor-json - a report as one object */
#include "render/doctor.h"
#include "render/doctor-item.h"
#include "render/json.h"
#include "render/text.h"

#include <json-c/json.h>

/* @value safe already; NULL and "" are null */
static void add(struct json_object *o, const char *key, const char *value) {
        json_object_object_add(o, key, value && *value ? json_object_new_string(value) : NULL);
}

static void add_unsafe(struct arena *a, struct json_object *o, const char *key, const char *value) {
        add(o, key, value ? text_escape(a, value) : NULL);
}

static struct json_object *item_object(struct arena *a, const struct doctor_view *v,
                                       const struct doctor_item *i) {
        const struct doctor_check_kind *kind = &doctor_checks[i->check];
        struct json_object *o = json_object_new_object();

        add(o, "check", kind->name);
        add(o, "group", doctor_group_name(kind->group));
        add(o, "title", kind->title);
        add(o, "verdict", doctor_verdict_name(i->verdict));
        add_unsafe(a, o, "subject", i->subject);
        add(o, "evidence", doctor_evidence(a, i, v->vmid));
        add(o, "mend", doctor_command(a, i, v->vmid));
        add(o, "code", i->finding ? finding_kinds[i->finding->code].code : NULL);
        return o;
}

const char *json_doctor(struct arena *a, const struct doctor_view *v) {
        struct json_object *o = json_object_new_object(), *checks = json_object_new_array();
        const char *text;

        json_object_object_add(o, "schema", json_object_new_int(JSON_SCHEMA));
        add_unsafe(a, o, "node", v->node);
        json_object_object_add(o, "vmid", v->vmid ? json_object_new_int64(v->vmid) : NULL);
        json_object_object_add(o, "ok", json_object_new_boolean(doctor_exit(v->report) == 0));
        for (size_t i = 0; i < v->report->n; i++)
                json_object_array_add(checks, item_object(a, v, &v->report->items[i]));
        json_object_object_add(o, "left_out", json_object_new_int64((int64_t)v->report->left_out));
        json_object_object_add(o, "checks", checks);
        text = arena_printf(a, "%s\n",
                            json_object_to_json_string_ext(
                                    o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return text;
}
