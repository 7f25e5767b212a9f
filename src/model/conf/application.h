/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * application - containers whose init is the application itself, and environment lines
 *
 * Proxmox VE makes such a container from an OCI image (PVE::LXC::Create): no service manager,
 * often no shell and no groups, and who opens a node is decided by the program.
 */
#include "model/conf/pctconf.h"

/**
 * conf_application() - what the container runs as its init, if that is no init system
 *
 * Return: first word of its command; empty for a system container.
 */
struct bytes conf_application(const struct pctconf *c);

/** struct init_ids - whom init is started as, ids of the container */
struct init_ids {
        uint32_t uid, gid;
        struct bytes groups; /* "44,104" */
};

/** conf_init_ids() - of lxc.init.*; root where they do not say */
struct init_ids conf_init_ids(const struct pctconf *c);

/** init_has_group() - whether @gid is one of its groups */
bool init_has_group(const struct init_ids *init, uint32_t gid);

/** enum environment - whom a variable reaches (lxc.container.conf(5)) */
enum environment {
        ENVIRONMENT_NONE,    /* the line sets none */
        ENVIRONMENT_RUNTIME, /* init */
        ENVIRONMENT_HOOKS,   /* LXC's hooks */
        ENVIRONMENT_BOTH,
};

/** environment_of() - whom a line with this key reaches, whatever it sets */
enum environment environment_of(struct bytes key);

/** environment_parse() - the variable of a line; @ret_name and @ret_value point into it */
enum environment environment_parse(const struct conf_line *l, struct bytes *ret_name,
                                   struct bytes *ret_value);
