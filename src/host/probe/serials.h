/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * serials - what tells cards apart and is not read in a start
 */
#include "model/gpu/facts.h"

/** struct kept_serials - what is kept of one card */
struct kept_serials {
        const char *address;
        uint64_t device, driver; /* inodes in sysfs: of the device's folder, of its link "driver" */
        const char *serials[SERIAL_KINDS];
        const char *name; /* what people call the card; NULL: not known */
        bool has_minor; /* of NVIDIA's node, as long as @driver is the same */
        uint32_t minor;
        bool silent; /* it did not answer in time */
};

struct serials {
        int pci; /* directory /sys/bus/pci/devices, -1 on a host without PCI */
        struct kept_serials *cards;
        size_t n;
};

/**
 * serials_load() - read what is kept
 * @a:   arena of the result
 * @pci: directory /sys/bus/pci/devices; @ret needs it as long as it is used
 */
void serials_load(struct arena *a, const char *root, int pci, struct serials *ret);

/** serials_find() - what is kept of the card that is at @address now; NULL for nothing */
const struct kept_serials *serials_find(const struct serials *s, const char *address);

/** serials_same_driver() - whether its driver has been bound since @kept was read */
bool serials_same_driver(const struct serials *s, const struct kept_serials *kept);

/**
 * information_read() - NVIDIA's "information" of a card of which nothing is kept
 * @ret: empty when it did not answer in time
 *
 * In a helper, for it may wake the card. Return: 0 or negative errno.
 */
int information_read(struct arena *a, const char *root, const char *address, struct bytes *ret);

/** information_uuid() - the GPU UUID in NVIDIA's "information"; NULL while it is not known */
const char *information_uuid(struct arena *a, struct bytes text);

/** information_minor() - the Device Minor in it; false when there is none */
bool information_minor(struct bytes text, uint32_t *ret_minor);

/**
 * serials_renew() - read what is not kept yet, as root
 * @a:     arena, for the time of the call
 * @again: also of cards that did not answer, and of NVIDIA's whose UUID was not known then
 *
 * Each card is read once in a boot and for a driver, in a helper: reading may wake it, and a
 * card that does not answer must hold nobody. Lines of cards that have gone are dropped.
 *
 * Return: 0 or negative errno.
 */
int serials_renew(struct arena *a, const char *root, bool again);

/**
 * serials_keep_names() - keep the names of @f for starts, which do not search the hardware database
 *
 * Of cards that serials_renew() has a line for. Return: 0 or negative errno.
 */
int serials_keep_names(struct arena *a, const char *root, const struct facts *f);
