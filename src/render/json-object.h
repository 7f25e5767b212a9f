/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * json-object - fields of an object of json-c, and the object as text
 */
#include "base/bytes.h"

#include <json-c/json.h>

/** json_add_word() - a string that is UTF-8 and has no control character; NULL is null */
void json_add_word(struct json_object *o, const char *key, const char *value);

/** json_add_text() - a string that may hold anything, escaped; NULL is null */
void json_add_text(struct arena *a, struct json_object *o, const char *key, const char *value);

void json_add_bool(struct json_object *o, const char *key, bool value);
void json_add_number(struct json_object *o, const char *key, uint32_t value);

/** json_add_age() - a negative one is null */
void json_add_age(struct json_object *o, const char *key, int64_t seconds);

/** json_add_vmid() - null for 0, which is no container */
void json_add_vmid(struct json_object *o, uint32_t vmid);

/** json_add_array() - an empty one, which @o owns */
struct json_object *json_add_array(struct json_object *o, const char *key);

/** json_finish() - @o as text that ends with a newline, in the arena; @o is gone */
const char *json_finish(struct arena *a, struct json_object *o);
