/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * idmap - the gid side of a container's id map
 *
 * Holes are punched into the map that is there, and every result is proved
 * against the map it came from before it may be written.
 *
 * A range is an extent of two ids or more, a hole one id that maps elsewhere
 * than the ranges around it. "Beside" an id is the next range on that side,
 * over one-id extents, but not over ids that are not mapped.
 */
#include "model/idmap/extent.h"

#define IDMAP_MAX_EXTENTS 340 /* kernel: UID_GID_MAP_MAX_EXTENTS */

/*
 * Bytes of "INSIDE OUTSIDE COUNT\n", all lines of one type together. LXC has
 * 4096 bytes (LXC_IDMAPLEN) for them, a NUL, and in front of them the command
 * "newgidmap PID" with a PID of up to seven digits.
 */
#define IDMAP_MAX_TEXT (4096 - 1 - 17)

/** struct id_pair - a container id and the host id that it shall be */
struct id_pair {
        uint32_t inside, outside;
};

/** struct idmap_change - what is wanted of a map */
struct idmap_change {
        const uint32_t *healable; /* container ids whose one-id extents gpuanchor has made */
        size_t n_healable;
        /* pairs that must hold afterwards, at most 340 different ones; their container ids count as
         * healable too; the same pair may come twice */
        const struct id_pair *wants;
        size_t n_wants;
};

/** What can be wrong with a map or a wish; positive, see idmap_problem_text(). */
enum idmap_problem {
        IDMAP_OK = 0,
        IDMAP_E_SYNTAX,        /* not "g INSIDE OUTSIDE COUNT" */
        IDMAP_E_OVERFLOW,      /* a range goes beyond 32 bits, or has no ids */
        IDMAP_E_INSIDE_TWICE,  /* a container id is mapped twice */
        IDMAP_E_OUTSIDE_TWICE, /* a host id is mapped twice */
        IDMAP_E_NOT_MAPPED,    /* a wanted container id is outside the map */
        IDMAP_E_CONFLICT,      /* two wishes for one container id or one host id */
        IDMAP_E_ROOT,          /* a wish for host id 0 */
        IDMAP_E_TOO_LONG,      /* more than 340 extents or 4 kB of text */
        IDMAP_E_NOT_PROVED,    /* the result is not what was asked for; a bug, never written */
};

/**
 * idmap_parse_line() - parse the value of one lxc.idmap line
 * @value:    "g 0 100000 44", blanks as LXC takes them
 * @ret_type: 'u' or 'g'
 * @ret:      the extent
 *
 * Takes what LXC and Proxmox both take and read alike: no comment behind the
 * numbers, and no leading zero, which is octal to LXC and not to Proxmox.
 *
 * Return: IDMAP_OK; IDMAP_E_SYNTAX or IDMAP_E_OVERFLOW, outputs untouched.
 */
enum idmap_problem idmap_parse_line(struct bytes value, char *ret_type, struct extent *ret);

/** idmap_default() - uids and gids of an unprivileged container without a line (PVE::LXC) */
struct extent idmap_default(void);

/** idmap_line() - "g 0 100000 65536", the value of a line */
const char *idmap_line(struct arena *a, char type, const struct extent *e);

/**
 * idmap_check() - whether the kernel and LXC would take this map as it is
 *
 * A map without extents passes: what no line at all means is for the caller
 * to know.
 *
 * Return: IDMAP_OK or the first problem found.
 */
enum idmap_problem idmap_check(const struct idmap *map);

/**
 * idmap_lookup() - the host id of container id @inside
 *
 * Return: true and @ret, or false when it is not mapped.
 */
bool idmap_lookup(const struct idmap *map, uint32_t inside, uint32_t *ret);

/** idmap_lookup_outside() - the container id that host id @outside has, if any */
bool idmap_lookup_outside(const struct idmap *map, uint32_t outside, uint32_t *ret);

/**
 * idmap_is_hole() - whether container id @inside is a hole: an extent of length
 * 1 that continues neither of the ranges beside it
 *
 * Two holes next to each other, 44 -> 44 and 45 -> 45, are both holes.
 */
bool idmap_is_hole(const struct idmap *map, uint32_t inside);

/* below are the host's own groups; login.defs(5): SUB_GID_MIN 100000 */
#define FIRST_SUBGID 65536

/**
 * idmap_is_own() - whether host id @outside is one of the container's own, by a range of its map
 *
 * A node that a hook has given to such an id, as with chown 0:100989, is open to that group in the
 * container, and no other id can be mapped to it.
 */
bool idmap_is_own(const struct idmap *map, uint32_t outside);

/**
 * idmap_punch() - heal old holes, then punch the wanted ones
 * @a:      arena for the result
 * @map:    the map that is there; any order
 * @change: what shall be another id afterwards
 * @ret:    result, sorted by container id; untouched on failure
 *
 * A healable hole that is not wanted maps as the range beside it on the left
 * continues, or where that host id is taken (or there is none) as the range on
 * its right does; where neither is possible it stays as it was. Host id 0 is
 * never given. A healable id that the wishes around it cut out of a longer
 * extent is healed likewise. Everything else keeps its ids; in particular no
 * host id is taken from a container id that is not healable: such a wish is
 * IDMAP_E_OUTSIDE_TWICE. So is one for the host id of a healable hole
 * that cannot go anywhere else.
 *
 * Ranges are joined with what continues them; a healable id is, when it maps
 * where healing would put it. One-id extents are not joined with each other and
 * a hole not with a range that happens to continue it: as a line of its own the
 * next run knows it again. Compare with idmap_equal() before writing: a map cut
 * in another way need not be touched.
 *
 * @map must pass idmap_check(). The result is proved with idmap_prove() before
 * it is returned. Punching a result again with the same arguments returns it.
 *
 * Return: IDMAP_OK or the problem.
 */
enum idmap_problem idmap_punch(struct arena *a, const struct idmap *map,
                               const struct idmap_change *change, struct idmap *ret);

/**
 * idmap_prove() - check that @after has the changes that were asked for, and no other
 *
 * Both pass idmap_check(), so nothing twice on either side and small enough for
 * kernel and LXC; same set of container ids; every wish holds, and none is for
 * host id 0; every other id maps as before, or is a healable hole in @before and
 * maps as a range continues that no gap parts from it, and not to host id 0.
 * Written apart from idmap_punch() so that one does not repeat the other's
 * mistake; which of two ranges a hole goes to is not proved.
 *
 * Return: IDMAP_OK, the problem of either map, or IDMAP_E_NOT_PROVED.
 */
enum idmap_problem idmap_prove(const struct idmap *before, const struct idmap *after,
                               const struct idmap_change *change);

/** idmap_change_heals() - whether container id @inside may be healed */
bool idmap_change_heals(const struct idmap_change *change, uint32_t inside);

/** idmap_equal() - whether two maps give every id the same answer, in any order, however cut */
bool idmap_equal(struct arena *a, const struct idmap *x, const struct idmap *y);

/** idmap_problem_text() - one short English sentence part, such as "a host id is mapped twice" */
const char *idmap_problem_text(enum idmap_problem p);
