/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json-mask - an object whose texts are masked, and whose fixed words are not */
#include "render/json.h"

#include "render/json-object.h"

/* What finding.def, doctor.def and the model name; a host may be called the same. */
static bool is_ours(const char *key) {
        static const char *const keys[] = { "check",   "code",  "group",    "kind",   "message_id",
                                            "method",  "mode",  "severity", "state",  "title",
                                            "verdict", "class", "vendor",   "device", "driver",
                                            "subvendor", "subdevice" };

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (streq(key, keys[i]))
                        return true;
        return false;
}

static bool is_name(const char *key) {
        return streq(key, "name") || streq(key, "node") || streq(key, "hostname");
}

static struct json_object *named(struct mask *m, struct json_object *o) {
        struct bytes text;

        if (!json_object_is_type(o, json_type_string))
                return json_object_get(o);
        text = mask_name(m, bytes_of(json_object_get_string(o)));
        return json_object_new_string_len(text.len ? text.data : "", (int)text.len);
}

static struct json_object *masked(struct mask *m, struct json_object *o) {
        struct json_object_iter i;
        struct json_object *new, *value;
        struct bytes text;

        switch (json_object_get_type(o)) {
        case json_type_object:
                new = json_object_new_object();
                /* the macro without C is no C for clang -Wpedantic */
                json_object_object_foreachC(o, i) {
                        value = is_ours(i.key)            ? json_object_get(i.val)
                                : is_name(i.key) ? named(m, i.val)
                                : streq(i.key, "serials") ? json_object_new_array()
                                                          : masked(m, i.val);
                        json_object_object_add(new, i.key, value);
                }
                return new;
        case json_type_array:
                new = json_object_new_array();
                for (size_t j = 0; j < json_object_array_length(o); j++)
                        json_object_array_add(new, masked(m, json_object_array_get_idx(o, j)));
                return new;
        case json_type_string:
                text = mask_text(m, bytes_of(json_object_get_string(o)));
                return json_object_new_string_len(text.len ? text.data : "", (int)text.len);
        default:
                return json_object_get(o);
        }
}

const char *json_masked(struct mask *m, const char *json) {
        struct json_object *o = json_tokener_parse(json), *new = masked(m, o);

        json_object_put(o);
        return json_finish(m->arena, new);
}
