/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * check - look at a container and plan
 *
 * Hook, CLI and daemon all ask this one function, so they cannot disagree.
 */
#include "anchor/anchor.h"
#include "model/plan/choose/enrol.h"
#include "model/plan/edit/edit.h"
#include "pve/guest.h"
#include "pve/record.h"

/** struct check - everything that is known about one container at one moment */
struct check {
        struct anchor *anchor;
        struct arena *arena; /* of @anchor */
        struct guest guest;
        struct survey survey, config_survey; /* of guest.lines and guest.config_lines */
        struct pctconf all_lines; /* guest.lines, and the remembered ones where they stood */
        struct survey all_survey; /* of @all_lines */
        struct policy policy;
        struct plan plan;
        struct record planned; /* the nodes that a start would give */
        struct record given;   /* after check_given(): those that the last start gave */
        bool recorded;         /* else @given is @planned */
        struct findings findings;

        enum owner_match whose; /* OWNER_OTHER: the policy file is an earlier container's, not used */
        bool recalled;          /* the pin of an emptied policy is the one that the host remembers */
        bool left_alone;    /* a broken policy or an id map that cannot be proved: no edits */
        const char *refuse; /* NULL: the container may start; else why it must not */
        struct bytes new_conf, new_config, new_policy;
        struct bytes safe_policy; /* right with the old container file and with the new one */
        bool unmapped;                   /* the file of the resource mappings cannot be read */
        bool config_only;                /* for anchor_apply(): another task has the lock */
        bool usermod_late; /* for and by anchor_apply(): this start has waited for it in vain */
        bool running;                    /* for anchor_apply(): it runs by its record, which stays */
        bool parks;                      /* takes lines out that only the new policy remembers */
        bool remembered;                 /* by anchor_apply(): what a start needs is in the policy file */
        bool trial;                      /* of a policy text that is not written yet */
        enum method convert, own_method; /* asked for with the options; what the policy says */
        uint32_t *delegate;              /* host gids that /etc/subgid does not give root yet */
        size_t n_delegate;
};

/** struct check_options - what to look at instead of what is there */
struct check_options {
        /* other files of the container, loaded or guest_with(); NULL: those on disk */
        const struct guest *guest;
        /*
         * another text of its policy file, not written yet; NULL: the file. new_policy then has
         * the pin and the gids that the present lines name; what a start learns from the lines
         * that it writes is left to that start.
         */
        const struct bytes *policy;
        /*
         * as if the policy asked for this method; METHOD_AUTO: as it says. What only the other
         * form needed goes too: for devN the holes in the id map that are ours and the rules of
         * the control group.
         */
        enum method convert;
        bool choose; /* as if nothing was pinned on this node: the owner chooses again */
        bool called; /* by the container's hookscript, which is remembered if it is a wrapper */
};

/**
 * anchor_check() - look at host and container, and plan
 * @an:   host; what is read of the container lives in its arena, too
 * @vmid: container
 * @o:    NULL: what a start would do
 * @ret:  the check; changes nothing on disk
 *
 * Return: 0, an enum guest_problem (@ret->findings says it too), negative errno.
 */
int anchor_check(struct anchor *an, uint32_t vmid, const struct check_options *o,
                 struct check *ret);

/** check_given() - have @c->given, which a start itself does not need */
void check_given(struct check *c);

/** check_missing_dev() - a devN path that is not there, with which Proxmox ends a start; or NULL */
const char *check_missing_dev(const struct check *c);

/** check_enrol() - the command that enrols the container, enrol_command() */
const char *check_enrol(const struct check *c);

/** anchor_would_change() - whether anchor_apply() has anything to write for the container's files
 */
bool anchor_would_change(const struct check *c);

/**
 * anchor_awaits() - what `missing = wait` waits for
 *
 * Return: a GPU or node that is not there, or a node that udev has not given its group yet; NULL:
 *         none, or the policy does not wait.
 */
const char *anchor_awaits(const struct check *c);

/**
 * anchor_judge() - whether the container may start although its files are not corrected
 * @c:   gets a finding and @c->refuse when it may not
 * @g:   its files as they are on disk
 * @why: they are not corrected
 */
void anchor_judge(struct check *c, const struct guest *g, const char *why);

/** anchor_judge_boot() - the same for the boot that is under way, by what that reads of the files */
void anchor_judge_boot(struct check *c, const struct guest *g, const char *why);

/** anchor_tell_problem() - add the finding for an enum guest_problem or a negative errno */
void anchor_tell_problem(struct findings *f, const struct guest *g, int problem);

/**
 * anchor_sight() - note the lines of all containers of this node, and what they name now
 * @ret_path: the file that could not be written
 *
 * For who looks as root, before containers start: at boot and at every look. Lines that are as they
 * were keep the date of the first time. Return: 0, FILE_E_CHANGED, negative errno.
 */
int anchor_sight(struct anchor *an, const char **ret_path);

/**
 * anchor_whose() - whether what @then says is the container @g
 *
 * Where nothing can be compared it is another one if a look found no such container on any node.
 */
enum owner_match anchor_whose(struct anchor *an, const struct guest *g, const struct owner *then);

/** anchor_set_aside() - the policy of an earlier container, see backup_set_aside() */
int anchor_set_aside(struct anchor *an, const struct guest *g, const char **ret);

/* ---- steps of a check ---- */

/** check_input() - what a plan of the container is made from, for these lines of it */
struct plan_input check_input(const struct check *c, const struct pctconf *conf,
                              const struct survey *s);

/** check_majors() - whose the majors were when @lines were last right */
struct majors check_majors(const struct check *c, const struct pctconf *lines);

/** check_remember() - what the policy file is to say: new_policy and safe_policy, and parks */
void check_remember(struct check *c, const struct edit_memory *memory);

/** check_owner() - nothing of an earlier container's policy, and of one of the same name less */
void check_owner(struct check *c);

/** check_owner_is_unread() - its policy may be an earlier container's: the file that tells cannot be read */
bool check_owner_is_unread(const struct check *c);

/** check_caller() - with @called, remember a hookscript that is a wrapper */
void check_caller(struct check *c, bool called);

/**
 * check_recall_pin() - give @p the pin that the host remembers of the container
 *
 * Return: false when there is none, or @p has a pin of this node.
 */
bool check_recall_pin(struct check *c, struct policy *p);

/** check_judge_broken() - the policy cannot be believed: only its pin tells right from wrong */
void check_judge_broken(struct check *c);

/**
 * check_judge_unread() - a file without which no line can be corrected could not be read
 * @path: groups, delegations, or what the lines named; whose GPU a line names can be told
 * @why: text of the error
 */
void check_judge_unread(struct check *c, const char *path, const char *why);

/** check_judge_blind() - files or devices cannot be read: what has nothing of a GPU may start */
void check_judge_blind(struct check *c);
