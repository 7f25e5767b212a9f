/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-idmap-property - idmap against a model that knows no extents
 *
 * Each map is generated from its own seed, then written out id by id into plain
 * arrays, on which every promise of idmap.h is a comparison of two numbers. A
 * refusal is checked too: the model must find that there really was no answer.
 *
 *     SEED=12345 COUNT=1 test-idmap-property     one map again, as printed
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/idmap/idmap.h"

#define DEFAULT_COUNT 100000
#define MAX_IDS 65536
#define MAX_LIST 400
#define HOST_MAX ((int64_t)UINT32_MAX - 1)

/* Ids are counted from two bases; what is not mapped has host -1. */
struct model {
        int64_t base, host_base;
        int n, n_hosts;
        int64_t host[MAX_IDS]; /* before */
        int piece[MAX_IDS];    /* which extent it was in */
        int64_t want[MAX_IDS];
        bool ours[MAX_IDS];
        int64_t after[MAX_IDS];
        int owner[2 * MAX_IDS]; /* of each host id, after; -1 = nobody */
};

struct input {
        struct extent extents[MAX_IDS];
        uint32_t ours[MAX_LIST];
        struct id_pair wants[MAX_LIST];
        size_t n_extents, n_ours, n_wants;
};

static struct model m;
static struct input in;
static struct arena arena;
static uint64_t seed, state;

/* splitmix64: every seed is as good as another, 1 and 2 too */
static uint64_t next_random(void) {
        uint64_t z = state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
}

static int below(int n) {
        return (int)(next_random() % (uint64_t)n);
}

static bool chance(int percent) {
        return below(100) < percent;
}

static void print_map(const char *title, const struct idmap *map) {
        fprintf(stderr, "%s:", title);
        for (size_t i = 0; i < map->n_extents && i < 60; i++)
                fprintf(stderr, " %u>%ux%u", map->extents[i].inside, map->extents[i].outside,
                        map->extents[i].count);
        fprintf(stderr, "\n");
}

static struct idmap input_map(void) {
        return (struct idmap){ in.extents, in.n_extents };
}

static void wrong(const char *what, const struct idmap *result) {
        struct idmap map = input_map();

        print_map("\nbefore", &map);
        fprintf(stderr, "ours:");
        for (size_t i = 0; i < in.n_ours; i++)
                fprintf(stderr, " %u", in.ours[i]);
        fprintf(stderr, "\nwants:");
        for (size_t i = 0; i < in.n_wants; i++)
                fprintf(stderr, " %u>%u", in.wants[i].inside, in.wants[i].outside);
        fprintf(stderr, "\n");
        if (result)
                print_map("after", result);
        fail_msg("%s; again with SEED=%" PRIu64 " COUNT=1", what, seed);
}

#define CHECK(condition, result)                                                                   \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        wrong(#condition, result);                                                 \
        } while (0)

/* ---- the generator ---- */

static bool hosts_free(int64_t first, int count) {
        if (first < m.host_base || first + count > m.host_base + m.n_hosts)
                return false;
        for (int i = 0; i < count; i++)
                if (m.owner[first - m.host_base + i] >= 0)
                        return false;
        return true;
}

static void add_extent(int at, int64_t host, int count) {
        in.extents[in.n_extents] = (struct extent){
                (uint32_t)(m.base + at),
                (uint32_t)host,
                (uint32_t)count,
        };
        for (int i = 0; i < count; i++) {
                m.host[at + i] = host + i;
                m.piece[at + i] = (int)in.n_extents;
                m.owner[host + i - m.host_base] = at + i;
        }
        in.n_extents++;
}

/* As guides write it, mostly: one offset for the ranges, anything for single ids. */
static int64_t choose_host(int at, int count, const int64_t shifts[2]) {
        if (chance(count > 1 ? 80 : 35))
                return m.host_base + at + shifts[chance(20)];
        return m.host_base + below(m.n_hosts);
}

static void generate_extents(int stretch) {
        const int64_t shifts[2] = { below(m.n / 2 + 1), below(m.n + 1) };

        for (int at = 0; at < m.n && in.n_extents < 300;) {
                int count = chance(50) ? 1 : 1 + below(8 * stretch);
                int64_t host = choose_host(at, count, shifts);

                if (count > m.n - at)
                        count = m.n - at;
                if (chance(85) && hosts_free(host, count))
                        add_extent(at, host, count);
                at += chance(60) && m.piece[at] < 0 ? 0 : count;
        }
        for (size_t i = in.n_extents; i-- > 1;) {
                size_t j = (size_t)below((int)i + 1);
                struct extent e = in.extents[i];

                in.extents[i] = in.extents[j];
                in.extents[j] = e;
        }
}

static uint32_t some_id(void) {
        if (in.n_extents > 0 && chance(50))
                return in.extents[below((int)in.n_extents)].inside;
        for (int tries = 0; tries < 4; tries++) {
                int i = below(m.n);

                if (m.host[i] >= 0)
                        return (uint32_t)(m.base + i);
        }
        return (uint32_t)(m.base + below(m.n + 1));
}

static uint32_t some_host(uint32_t inside) {
        const struct extent *e;

        if (chance(2))
                return chance(50) ? 0 : UINT32_MAX;
        if (in.n_extents == 0 || chance(50))
                return (uint32_t)(m.host_base + below(m.n_hosts));
        e = &in.extents[below((int)in.n_extents)];
        for (int tries = 0; tries < 4 && e->count > 1; tries++)
                e = &in.extents[below((int)in.n_extents)];
        if (chance(70))
                return e->outside;
        return e->outside + (inside - e->inside);
}

static void generate_wishes(void) {
        int n_wants = below(4);

        for (size_t i = 0; i < in.n_extents; i++)
                if (in.n_ours < 100 && chance(in.extents[i].count == 1 ? 60 : 10))
                        in.ours[in.n_ours++] = in.extents[i].inside;
        for (int i = below(3); i > 0; i--)
                in.ours[in.n_ours++] = some_id();
        for (int i = 0; i < n_wants; i++) {
                uint32_t inside = some_id(), host = some_host(inside);
                struct id_pair w = { inside, host };

                if (i > 0 && chance(5))
                        w.inside = in.wants[i - 1].inside;
                if (i > 0 && chance(5))
                        w.outside = in.wants[i - 1].outside;
                in.wants[in.n_wants++] = w;
        }
}

static void generate(void) {
        bool big = below(1000) == 0;

        in.n_extents = in.n_ours = in.n_wants = 0;
        m.n = big ? 60000 + below(MAX_IDS - 60000 + 1) : 1 + below(48);
        m.n_hosts = 2 * m.n;
        m.base = m.host_base = 0;
        if (chance(30))
                m.base = chance(50) ? below(1000) : (int64_t)UINT32_MAX - m.n;
        if (chance(70))
                m.host_base = chance(60) ? 1 + below(200000) : (int64_t)UINT32_MAX - m.n_hosts;
        for (int i = 0; i < m.n; i++)
                m.host[i] = m.piece[i] = -1;
        for (int i = 0; i < m.n_hosts; i++)
                m.owner[i] = -1;
        generate_extents(big ? 3000 : 1);
        generate_wishes();
}

/* ---- the model ---- */

static bool in_universe(uint32_t inside) {
        return inside >= m.base && inside < m.base + m.n;
}

static void note_wishes(void) {
        for (int i = 0; i < m.n; i++) {
                m.want[i] = -1;
                m.ours[i] = false;
        }
        for (size_t i = 0; i < in.n_ours; i++)
                if (in_universe(in.ours[i]))
                        m.ours[in.ours[i] - m.base] = true;
        for (size_t i = 0; i < in.n_wants; i++)
                if (in_universe(in.wants[i].inside))
                        m.want[in.wants[i].inside - m.base] = in.wants[i].outside;
}

static bool mapped(int i) {
        return i >= 0 && i < m.n && m.host[i] >= 0;
}

static bool same_piece(int i, int j) {
        return mapped(i) && mapped(j) && m.piece[i] == m.piece[j];
}

static bool keeps_company(int i, int j) {
        return same_piece(i, j) && m.want[j] < 0;
}

static bool of_range(int i) {
        return mapped(i) && m.want[i] < 0 && (keeps_company(i, i - 1) || keeps_company(i, i + 1));
}

static bool healable(int i) {
        return mapped(i) && m.want[i] < 0 && m.ours[i] && !of_range(i);
}

/* Where the next range in direction @step would have @i, -1 for nowhere. */
static int64_t continued(int i, int step) {
        int j = i + step;
        int64_t host;

        while (mapped(j) && !of_range(j))
                j += step;
        if (!mapped(j))
                return -1;
        host = m.host[j] + (i - j);
        return host > 0 && host <= HOST_MAX ? host : -1;
}

static int owner_of(int64_t host) {
        if (host < m.host_base || host >= m.host_base + m.n_hosts)
                return -1;
        return m.owner[host - m.host_base];
}

/* Whose a host id is that lies outside the arrays: only a wish can have put it there. */
static bool is_taken(int64_t host, int except) {
        int owner = owner_of(host);

        for (size_t k = 0; k < in.n_wants; k++)
                if (in.wants[k].outside == host && in.wants[k].inside != m.base + except)
                        return true;
        if (owner >= 0 && owner != except)
                return true;
        for (size_t k = 0; k < in.n_ours; k++) {
                int64_t i = in.ours[k] - m.base;

                if (i >= 0 && i < m.n && i != except && mapped((int)i) && m.after[i] == host)
                        return true;
        }
        return false;
}

static int64_t home(int i) {
        int64_t left = continued(i, -1), right = continued(i, 1);

        if (left >= 0 && !is_taken(left, i))
                return left;
        return right >= 0 && !is_taken(right, i) ? right : -1;
}

/* ---- a success ---- */

static void write_out(const struct idmap *map) {
        for (int i = 0; i < m.n; i++)
                m.after[i] = -1;
        for (int i = 0; i < m.n_hosts; i++)
                m.owner[i] = -1;
        for (size_t k = 0; k < map->n_extents; k++) {
                const struct extent *e = &map->extents[k];

                for (uint32_t d = 0; d < e->count; d++) {
                        int64_t at = e->inside + (int64_t)d - m.base,
                                host = e->outside + (int64_t)d;

                        CHECK(at >= 0 && at < m.n, map);
                        CHECK(m.after[at] == -1, map);
                        m.after[at] = host;
                        if (host >= m.host_base && host < m.host_base + m.n_hosts) {
                                CHECK(owner_of(host) < 0, map);
                                m.owner[host - m.host_base] = (int)at;
                        }
                }
        }
}

static void check_ids(const struct idmap *result) {
        for (int i = 0; i < m.n; i++) {
                CHECK(mapped(i) == (m.after[i] >= 0), result);
                if (!mapped(i))
                        continue;
                if (m.want[i] >= 0)
                        CHECK(m.after[i] == m.want[i], result);
                else if (healable(i))
                        CHECK(m.after[i] == (home(i) >= 0 ? home(i) : m.host[i]), result);
                else
                        CHECK(m.after[i] == m.host[i], result);
        }
}

/* Two lines that continue each other: both of one id, or one is a hole that stays apart. */
static void check_lines(const struct idmap *result) {
        for (size_t k = 1; k < result->n_extents; k++) {
                const struct extent *x = &result->extents[k - 1], *y = &result->extents[k], *hole;
                int i;

                CHECK(x->inside < y->inside, result);
                if (x->inside + x->count != y->inside || x->outside + x->count != y->outside)
                        continue;
                if (x->count == 1 && y->count == 1)
                        continue;
                hole = x->count == 1 ? x : y;
                i = (int)(hole->inside - m.base);
                CHECK(hole->count == 1 && (m.ours[i] || m.want[i] >= 0), result);
                CHECK(home(i) != m.after[i], result);
        }
}

/* A hole that stands elsewhere than at home is in nobody's range. */
static void check_ranges(const struct idmap *result) {
        for (size_t k = 0; k < result->n_extents; k++) {
                int first = (int)(result->extents[k].inside - m.base);

                if (result->extents[k].count == 1)
                        continue;
                for (int i = first; i < first + (int)result->extents[k].count; i++)
                        if (m.want[i] >= 0 || healable(i))
                                CHECK(home(i) == m.after[i], result);
        }
}

#define CHANGE (&(struct idmap_change){ in.ours, in.n_ours, in.wants, in.n_wants })

static void check_result_is(struct arena *a, const struct idmap *map, const struct idmap *result) {
        struct idmap again;

        CHECK(idmap_punch(a, map, CHANGE, &again) == IDMAP_OK, result);
        CHECK(again.n_extents == result->n_extents, &again);
        for (size_t k = 0; k < again.n_extents; k++)
                CHECK(!memcmp(&again.extents[k], &result->extents[k], sizeof(struct extent)),
                      &again);
}

/* Twice is once, and the order of the lines does not count. */
static void check_again(struct arena *a, const struct idmap *result) {
        struct idmap map = input_map(), turned = { NULL, 0 };
        bool same = true;

        for (int i = 0; i < m.n; i++)
                same = same && m.host[i] == m.after[i];
        CHECK(idmap_equal(a, &map, result) == same, result);

        for (size_t k = map.n_extents; k-- > 0;)
                *ARENA_PUSH(a, turned.extents, turned.n_extents) = map.extents[k];
        check_result_is(a, result, result);
        check_result_is(a, &turned, result);
}

static void check_lookups(const struct idmap *result) {
        for (int k = 0; k < 8; k++) {
                int i = below(m.n);
                uint32_t id = (uint32_t)(m.base + i), found;

                CHECK(idmap_lookup(result, id, &found) == mapped(i), result);
                if (!mapped(i))
                        continue;
                CHECK(found == m.after[i], result);
                CHECK(idmap_lookup_outside(result, found, &found) && found == id, result);
        }
}

/* ---- the proof, on results that somebody spoilt ---- */

static bool may_have_offset(int i, int64_t offset) {
        for (int step = -1; step <= 1; step += 2)
                for (int j = i + step; mapped(j); j += step)
                        if (m.host[j] - j == offset &&
                            (same_piece(j, j - 1) || same_piece(j, j + 1)))
                                return true;
        return false;
}

static bool is_lawful(const int64_t after[]) {
        for (int i = 0; i < m.n; i++) {
                if (mapped(i) != (after[i] >= 0))
                        return false;
                if (after[i] < 0)
                        continue;
                if (after[i] > HOST_MAX || (m.want[i] >= 0 && after[i] != m.want[i]))
                        return false;
                for (int j = 0; j < i; j++)
                        if (after[i] == after[j])
                                return false;
                if (m.want[i] >= 0 || after[i] == m.host[i])
                        continue;
                if (!healable(i) || after[i] == 0 || !may_have_offset(i, after[i] - i))
                        return false;
        }
        return true;
}

static void spoil(int64_t after[]) {
        int i = below(m.n), j = below(m.n);
        int64_t t = after[i];

        switch (below(5)) {
        case 0:
                after[i] = after[j];
                after[j] = t;
                break;
        case 1:
                after[i] = m.host_base + below(m.n_hosts);
                break;
        case 2:
                after[i] = m.host[i];
                break;
        case 3:
                after[i] = after[j] >= 0 ? after[j] + (i - j) : -1;
                break;
        default:
                after[i] = i > 0 && m.host[i - 1] >= 0 ? m.host[i - 1] + 1 : t;
        }
        if (after[i] > UINT32_MAX || (after[i] < 0 && chance(50)))
                after[i] = t;
}

static void check_proof(struct arena *a) {
        struct idmap before = input_map(), after = { NULL, 0 };
        int64_t x[64];
        enum idmap_problem p;

        if (m.n > (int)ELEMENTS(x))
                return;
        memcpy(x, m.after, (size_t)m.n * sizeof(*x));
        for (int k = below(3); k >= 0; k--)
                spoil(x);
        for (int i = 0; i < m.n; i++)
                if (x[i] >= 0)
                        *ARENA_PUSH(a, after.extents, after.n_extents) = (struct extent){
                                (uint32_t)(m.base + i),
                                (uint32_t)x[i],
                                1,
                        };
        p = idmap_prove(&before, &after, CHANGE);
        CHECK((p == IDMAP_OK) == is_lawful(x), &after);
}

/* ---- a refusal ---- */

static bool wishes_conflict(void) {
        for (size_t i = 0; i < in.n_wants; i++)
                for (size_t j = 0; j < i; j++)
                        if ((in.wants[i].inside == in.wants[j].inside) !=
                            (in.wants[i].outside == in.wants[j].outside))
                                return true;
        return false;
}

static bool wish_for(int64_t host) {
        for (size_t i = 0; i < in.n_wants; i++)
                if (in.wants[i].outside == host)
                        return true;
        return false;
}

static bool wish_beyond_the_map(void) {
        for (size_t i = 0; i < in.n_wants; i++)
                if (!mapped((int)((int64_t)in.wants[i].inside - m.base)))
                        return true;
        return false;
}

/* Give each of @ids[0..n) one of its places, in every way there is. */
static bool seat(const int ids[], int n, int *tries) {
        int64_t places[3];

        if (n == 0)
                return true;
        if (++*tries > 2000000)
                wrong("too many ways to try", NULL);
        places[0] = m.host[ids[0]];
        places[1] = continued(ids[0], -1);
        places[2] = continued(ids[0], 1);
        for (int k = 0; k < 3; k++) {
                if (places[k] < 0 || is_taken(places[k], ids[0]))
                        continue;
                m.after[ids[0]] = places[k];
                if (seat(ids + 1, n - 1, tries))
                        return true;
                m.after[ids[0]] = -1;
        }
        return false;
}

/* Whether a host id that is wished for is somebody else's who cannot leave it. */
static bool no_room(void) {
        int ids[MAX_LIST], n = 0, tries = 0;

        for (int i = 0; i < m.n_hosts; i++)
                m.owner[i] = -1;
        for (int i = 0; i < m.n; i++) {
                m.after[i] = m.want[i];
                if (!mapped(i) || m.want[i] >= 0 || healable(i))
                        continue;
                if (wish_for(m.host[i]))
                        return true;
                m.owner[m.host[i] - m.host_base] = i;
        }
        for (int pass = 0; pass < 2; pass++)
                for (int i = 0; i < m.n; i++)
                        if (healable(i) && wish_for(m.host[i]) == (pass == 0))
                                ids[n++] = i;
        return !seat(ids, n, &tries);
}

static bool is_reason(enum idmap_problem p) {
        switch (p) {
        case IDMAP_E_ROOT:
                return wish_for(0);
        case IDMAP_E_OVERFLOW:
                return wish_for(UINT32_MAX);
        case IDMAP_E_NOT_MAPPED:
                return wish_beyond_the_map();
        case IDMAP_E_CONFLICT:
                return wishes_conflict();
        case IDMAP_E_OUTSIDE_TWICE:
                return no_room();
        default:
                return false;
        }
}

/* ---- one map ---- */

/* What became of the maps, so that the generator cannot stop asking unnoticed. */
static struct {
        unsigned answer[IDMAP_E_NOT_PROVED + 1];
        unsigned left, right, stayed, made_room;
} seen;

static void count_healed(void) {
        for (int i = 0; i < m.n; i++) {
                if (!healable(i))
                        continue;
                seen.made_room += wish_for(m.host[i]);
                if (m.after[i] == m.host[i])
                        seen.stayed++;
                else if (m.after[i] == continued(i, -1))
                        seen.left++;
                else
                        seen.right++;
        }
}

static void check_punch(struct arena *a) {
        struct extent canary;
        struct idmap map = input_map(), result = { &canary, 12345 };
        enum idmap_problem p;

        note_wishes();
        CHECK(idmap_check(&map) == IDMAP_OK, NULL);
        p = idmap_punch(a, &map, CHANGE, &result);
        seen.answer[p]++;
        if (p) {
                CHECK(result.extents == &canary && result.n_extents == 12345, NULL);
                if (!is_reason(p))
                        wrong(idmap_problem_text(p), NULL);
                return;
        }
        CHECK(!wish_for(0), &result);
        CHECK(idmap_check(&result) == IDMAP_OK, &result);
        write_out(&result);
        check_ids(&result);
        check_lines(&result);
        check_ranges(&result);
        check_again(a, &result);
        check_lookups(&result);
        check_proof(a);
        count_healed();
}

/* Spoil the input, and count by hand what is wrong with it. */
static void check_broken(struct arena *a) {
        struct extent *e = &in.extents[below((int)in.n_extents)];
        const struct extent *other = &in.extents[below((int)in.n_extents)];
        struct idmap map = input_map(), result;
        bool overflow = false, inside_twice = false, outside_twice = false;
        enum idmap_problem p;

        switch (below(6)) {
        case 0:
                e->count = 0;
                break;
        case 1:
                e->count = UINT32_MAX - (chance(50) ? e->inside : e->outside) + 1;
                break;
        case 2:
                e->inside = other->inside + (uint32_t)below((int)other->count);
                break;
        case 3:
                e->outside = other->outside + (uint32_t)below((int)other->count);
                break;
        default:
                e->count++;
        }
        for (size_t i = 0; i < in.n_extents; i++) {
                const struct extent *x = &in.extents[i];

                overflow |= x->count == 0 || x->inside + (uint64_t)x->count > UINT32_MAX ||
                            x->outside + (uint64_t)x->count > UINT32_MAX;
                for (size_t j = 0; j < in.n_extents; j++) {
                        const struct extent *y = &in.extents[j];

                        if (i == j)
                                continue;
                        inside_twice |= y->inside >= x->inside && y->inside - x->inside < x->count;
                        outside_twice |=
                                y->outside >= x->outside && y->outside - x->outside < x->count;
                }
        }
        p = idmap_check(&map);
        CHECK((p == IDMAP_OK) == !(overflow || inside_twice || outside_twice), NULL);
        CHECK(p != IDMAP_E_OVERFLOW || overflow, NULL);
        CHECK(p != IDMAP_E_INSIDE_TWICE || inside_twice, NULL);
        CHECK(p != IDMAP_E_OUTSIDE_TWICE || outside_twice, NULL);
        if (p)
                CHECK(idmap_punch(a, &map, CHANGE, &result) == p, NULL);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
        const char *value = getenv(name);

        return value ? strtoull(value, NULL, 10) : otherwise;
}

static void test_property(void **unused) {
        uint64_t first = from_environment("SEED", 20240521);
        uint64_t count = from_environment("COUNT", DEFAULT_COUNT);

        for (seed = first; seed < first + count; seed++) {
                state = seed;
                generate();
                check_punch(&arena);
                if (in.n_extents > 0 && m.n < 100)
                        check_broken(&arena);
                arena_done(&arena);
        }
        if (count < DEFAULT_COUNT)
                return;
        assert_true(seen.answer[IDMAP_OK] > count / 3);
        assert_true(seen.answer[IDMAP_E_OVERFLOW] > count / 1000);
        assert_true(seen.answer[IDMAP_E_OUTSIDE_TWICE] > count / 50);
        assert_true(seen.answer[IDMAP_E_NOT_MAPPED] > count / 200);
        assert_true(seen.answer[IDMAP_E_CONFLICT] > count / 50);
        assert_true(seen.answer[IDMAP_E_ROOT] > count / 1000);
        assert_true(seen.left > count / 10 && seen.right > count / 10);
        assert_true(seen.stayed > count / 10 && seen.made_room > count / 100);
}

static int tear_down(void **unused) {
        arena_done(&arena);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_property, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
