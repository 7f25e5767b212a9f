/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * prometheus - metrics for node_exporter's textfile collector
 *
 * Text format 0.0.4. Every series that an alert may ask for is there with 0, too:
 * one that is absent looks like one that was never measured.
 */
#include "render/status.h"

#include "render/text.h"

static void head(struct strbuf *b, const char *name, const char *help) {
        strbuf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* A label's value: backslash and quote are escaped, control characters were before. */
static const char *label(struct arena *a, const char *value) {
        struct strbuf b = { .arena = a };

        for (const char *s = text_escape(a, value ? value : ""); *s; s++) {
                if (*s == '\\' || *s == '"')
                        strbuf_adds(&b, "\\");
                strbuf_add(&b, s, 1);
        }
        return strbuf_str(&b);
}

static void add_gpus(struct arena *a, struct strbuf *b, const struct host_status *st) {
        head(b, "gpuanchor_gpu_present", "Whether a GPU that was ever seen is on this host.");
        for (size_t i = 0; i < st->next.n_gpus; i++) {
                const struct known_gpu *g = &st->next.gpus[i];

                strbuf_printf(
                        b, "gpuanchor_gpu_present{gpu=\"%s\",id=\"%s\",driver=\"%s\"} %d\n",
                        label(a, g->address), pci_ids_model(a, &g->ids), label(a, g->driver),
                        !g->gone);
        }
}

static bool is_shown(const struct status_view *v, const struct container_status *c) {
        return c->running && (v->only == 0 || v->only == c->vmid);
}

static void add_containers(struct arena *a, struct strbuf *b, const struct status_view *v) {
        const struct host_status *st = v->st;

        head(b, "gpuanchor_containers", "Containers of this node, by whether they are managed.");
        strbuf_printf(b, "gpuanchor_containers{managed=\"1\"} %zu\n", st->n_containers);
        strbuf_printf(b, "gpuanchor_containers{managed=\"0\"} %zu\n", st->n_unmanaged);
        head(b, "gpuanchor_container_running", "Whether a managed container runs.");
        for (size_t i = 0; i < st->n_containers; i++)
                if (v->only == 0 || v->only == st->containers[i].vmid)
                        strbuf_printf(b,
                                      "gpuanchor_container_running{vmid=\"%u\",name=\"%s\"} %d\n",
                                      st->containers[i].vmid, label(a, st->containers[i].name),
                                      st->containers[i].running);
        head(b, "gpuanchor_container_gpu", "The GPUs that a managed container has.");
        for (size_t i = 0; i < st->n_containers; i++)
                for (size_t j = 0; j < st->containers[i].n_gpus; j++)
                        if (v->only == 0 || v->only == st->containers[i].vmid)
                                strbuf_printf(b,
                                              "gpuanchor_container_gpu{vmid=\"%u\",gpu=\"%s\"} 1\n",
                                              st->containers[i].vmid,
                                              label(a, st->containers[i].gpus[j]));
}

/* Each state is a series, so that an alert finds the one that it asks for. */
static void add_held(struct arena *a, struct strbuf *b, const struct status_view *v) {
        const struct host_status *st = v->st;

        head(b, "gpuanchor_container_gate",
             "Whether a running container is kept from GPUs that are not its own, by state.");
        for (size_t i = 0; i < st->n_containers; i++)
                for (enum gate_state s = GATE_UNKNOWN;
                     is_shown(v, &st->containers[i]) && s <= GATE_FAILED; s++)
                        strbuf_printf(b,
                                      "gpuanchor_container_gate{vmid=\"%u\",state=\"%s\"} %d\n",
                                      st->containers[i].vmid, gate_name(s),
                                      st->containers[i].held.gate == s);
        head(b, "gpuanchor_container_node", "The nodes of GPUs that are in a running container.");
        for (size_t i = 0; i < st->n_containers; i++)
                for (size_t j = 0; is_shown(v, &st->containers[i]) &&
                                   j < st->containers[i].held.n_nodes; j++) {
                        const struct held_node *n = &st->containers[i].held.nodes[j];

                        strbuf_printf(b,
                                      "gpuanchor_container_node{vmid=\"%u\",path=\"%s\",number="
                                      "\"%s\",gpu=\"%s\"} 1\n",
                                      st->containers[i].vmid, label(a, n->path),
                                      devnum_text(a, n->number), label(a, n->gpu));
                }
}

/* How many open findings of @code the container has; each container and code is one series. */
static size_t count(const struct status_view *v, const struct finding *like, size_t *ret_first) {
        size_t n = 0;

        *ret_first = v->st->findings.n;
        for (size_t i = 0; i < v->st->findings.n; i++) {
                const struct finding *f = &v->st->findings.items[i];

                if (f->code != like->code || f->vmid != like->vmid ||
                    finding_severity(f) != finding_severity(like))
                        continue;
                *ret_first = n++ == 0 ? i : *ret_first;
        }
        return n;
}

static void add_findings(struct strbuf *b, const struct status_view *v) {
        size_t first;

        head(b, "gpuanchor_findings_open", "What somebody has to do something about, by severity.");
        for (enum severity s = SEV_ERROR; s <= SEV_NOTICE; s++) {
                size_t n = 0;

                for (size_t j = 0; j < v->st->findings.n; j++)
                        n += status_shows(v, &v->st->findings.items[j]) &&
                             status_is_open(&v->st->findings.items[j]) &&
                             finding_severity(&v->st->findings.items[j]) == s;
                strbuf_printf(b, "gpuanchor_findings_open{severity=\"%s\"} %zu\n",
                              severity_name(s), n);
        }
        head(b, "gpuanchor_finding", "The open findings, by code and container.");
        for (size_t i = 0; i < v->st->findings.n; i++) {
                const struct finding *f = &v->st->findings.items[i];
                size_t n = count(v, f, &first);

                if (first == i && status_shows(v, f) && status_is_open(f))
                        strbuf_printf(
                                b,
                                "gpuanchor_finding{code=\"%s\",severity=\"%s\",vmid=\"%u\"} %zu\n",
                                finding_kinds[f->code].code,
                                severity_name(finding_severity(f)), f->vmid, n);
        }
}

const char *status_prometheus(struct arena *a, const struct status_view *v) {
        struct strbuf b = { .arena = a };

        head(&b, "gpuanchor_info", "Version, and name of the cluster node.");
        strbuf_printf(&b, "gpuanchor_info{version=\"%s\",node=\"%s\"} 1\n", v->version,
                      label(a, v->st->node));
        head(&b, "gpuanchor_watcher_running", "Whether gpuanchord runs.");
        strbuf_printf(&b, "gpuanchor_watcher_running %d\n", v->watched);
        head(&b, "gpuanchor_pve_mounted",
             "Whether /etc/pve is mounted; without it nothing is known of containers.");
        strbuf_printf(&b, "gpuanchor_pve_mounted %d\n", v->st->node != NULL);
        add_gpus(a, &b, v->st);
        add_containers(a, &b, v);
        add_held(a, &b, v);
        add_findings(&b, v);
        return strbuf_str(&b);
}
