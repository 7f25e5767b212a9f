/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor-json - a report as one object */
#include "render/doctor.h"
#include "render/doctor-item.h"
#include "render/json.h"
#include "render/json-object.h"

/* "" is null, too */
static const char *filled(const char *s) {
        return s && *s ? s : NULL;
}

static struct json_object *item_object(struct arena *a, const struct doctor_view *v,
                                       const struct doctor_item *i) {
        const struct doctor_check_kind *kind = &doctor_checks[i->check];
        struct json_object *o = json_object_new_object();

        json_add_word(o, "check", kind->name);
        json_add_word(o, "group", doctor_group_name(kind->group));
        json_add_word(o, "title", kind->title);
        json_add_word(o, "verdict", doctor_verdict_name(i->verdict));
        json_add_text(a, o, "subject", filled(i->subject));
        json_add_word(o, "evidence", filled(doctor_evidence(a, i, v->vmid)));
        json_add_word(o, "mend", filled(doctor_command(a, i, v->vmid)));
        json_add_word(o, "code", i->finding ? finding_kinds[i->finding->code].code : NULL);
        return o;
}

const char *json_doctor(struct arena *a, const struct doctor_view *v) {
        struct json_object *o = json_object_new_object(), *checks;

        json_add_number(o, "schema", JSON_SCHEMA);
        json_add_text(a, o, "node", filled(v->node));
        json_add_vmid(o, v->vmid);
        json_add_bool(o, "ok", doctor_exit(v->report) == 0);
        json_add_number(o, "left_out", (uint32_t)v->report->left_out);
        checks = json_add_array(o, "checks");
        for (size_t i = 0; i < v->report->n; i++)
                json_object_array_add(checks, item_object(a, v, &v->report->items[i]));
        return json_finish(a, o);
}
