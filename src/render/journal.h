/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/finding/finding.h"

/** journal_message() - the line that journalctl shows: whom it is about, what is so, what to do */
const char *journal_message(struct arena *a, const struct finding *f, uint32_t vmid, bool resolved);

/**
 * journal_send() - one finding to the journal, with all its fields
 * @identifier: SYSLOG_IDENTIFIER, "gpuanchor-hook"
 * @vmid:       container it is about, 0 for none
 *
 * Fields: MESSAGE, MESSAGE_ID, PRIORITY, GPUANCHOR_CODE, GPUANCHOR_VMID,
 * GPUANCHOR_GPU, GPUANCHOR_OLD, GPUANCHOR_NEW, GPUANCHOR_WHAT, GPUANCHOR_WHERE,
 * GPUANCHOR_REMEDY; those without a value are left out.
 *
 * Return: 0, or negative errno when there is no journal, which is no error for callers.
 */
int journal_send(const char *identifier, const struct finding *f, uint32_t vmid);

/**
 * journal_send_resolved() - tell that a finding is no longer true
 *
 * The entry of journal_send() with the same MESSAGE_ID, a text that begins with
 * "resolved: ", the priority notice, GPUANCHOR_RESOLVED=1 and no remedy.
 */
int journal_send_resolved(const char *identifier, const struct finding *f, uint32_t vmid);
