/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * json-object - fields of an object of json-c, and the object as text
 *
 * json-c hands bytes through as they are, so everything that may hold more than
 * UTF-8 goes through text_escape() first.
 */
#include "render/json-object.h"

#include "render/text.h"

void json_add_word(struct json_object *o, const char *key, const char *value) {
        json_object_object_add(o, key, value ? json_object_new_string(value) : NULL);
}

void json_add_text(struct arena *a, struct json_object *o, const char *key, const char *value) {
        json_add_word(o, key, value ? text_escape(a, value) : NULL);
}

void json_add_bool(struct json_object *o, const char *key, bool value) {
        json_object_object_add(o, key, json_object_new_boolean(value));
}

void json_add_number(struct json_object *o, const char *key, uint32_t value) {
        json_object_object_add(o, key, json_object_new_int64(value));
}

void json_add_age(struct json_object *o, const char *key, int64_t seconds) {
        json_object_object_add(o, key, seconds >= 0 ? json_object_new_int64(seconds) : NULL);
}

void json_add_vmid(struct json_object *o, uint32_t vmid) {
        json_object_object_add(o, "vmid", vmid ? json_object_new_int64(vmid) : NULL);
}

struct json_object *json_add_array(struct json_object *o, const char *key) {
        struct json_object *array = json_object_new_array();

        json_object_object_add(o, key, array);
        return array;
}

const char *json_finish(struct arena *a, struct json_object *o) {
        int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;
        const char *text = arena_printf(a, "%s\n", json_object_to_json_string_ext(o, flags));

        json_object_put(o);
        return text;
}
