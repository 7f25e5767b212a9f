/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * card - what a graphics card is known by
 *
 * From the strongest to the weakest: a serial number, the port that it sits in, its
 * address. Ids say which model it is, and equal cards have equal ids.
 */
#include "model/gpu/pci-ids.h"

/**
 * Who assigned a serial number; only serials of one kind are compared.
 * Sources: drivers/gpu/drm/amd/amdgpu (unique_id), NVIDIA's /proc/driver/nvidia/gpus (GPU UUID),
 * PCI Express base specification 7.9.3 (sysfs serial_number, Linux 6.18), xe (device_uid).
 */
enum serial_kind { SERIAL_AMD, SERIAL_NVIDIA, SERIAL_PCI, SERIAL_XE, SERIAL_KINDS };
#define SERIAL_BIT(kind) (1U << (kind))

struct card {
        struct pci_ids ids;
        const char *address;               /* "0000:c1:00.0" */
        const char *port;                  /* "pci0000:00/03.1/00.0"; NULL: not known */
        const char *serials[SERIAL_KINDS]; /* NULL: none, or not readable now */
        uint32_t function; /* of a pin: virtual function that is meant, 1 is the first; 0: the card */
        const char *by;    /* of a pin: what chose it, selector_key() or CHOSEN_BY_ACCEL; NULL: auto */
        const char *state; /* of a pin: "missing", "ambiguous" at the last start; NULL: it was here */
        uint32_t kept;     /* SERIAL_BIT()s: of an earlier look, for they cannot be read now */
        uint32_t none;     /* SERIAL_BIT()s: can be read, and it has no serial of its own */
};

/** serial_kind_name() - "amd", "nvidia", "pci", "xe" */
const char *serial_kind_name(enum serial_kind kind);

/** serial_kind_parse() - the kind of that name; false, @ret untouched, when there is none */
bool serial_kind_parse(struct bytes name, enum serial_kind *ret);

#define SERIAL_MAX 64 /* bytes; NVIDIA's, the longest, has 40, and a pin's line has room for two */

/**
 * serial_is_plausible() - whether @serial can be one card's own
 *
 * Not what firmware leaves in place of a serial: nothing, one repeated digit, question marks; nor
 * what is longer than SERIAL_MAX.
 */
bool serial_is_plausible(const char *serial);

enum serial_match {
        SERIAL_UNKNOWN, /* no kind that both have */
        SERIAL_EQUAL,
        SERIAL_OTHER,
};

/**
 * card_compare_serials() - by the kinds that both cards have
 *
 * Return: SERIAL_OTHER where one kind differs, even if another is equal.
 */
enum serial_match card_compare_serials(const struct card *a, const struct card *b);

/** card_has_serial() - whether any kind is known */
bool card_has_serial(const struct card *c);

/** card_shown() - @c with the serials alone that could be read at its last look */
struct card card_shown(struct card c);

/** card_is_at() - whether @c is at the port @port, which may be NULL */
bool card_is_at(const struct card *c, const char *port);

/**
 * card_port() - the port of a device, from its folder below /sys/devices
 * @a:    arena of the result
 * @path: "pci0000:00/0000:00:03.1/0000:c1:00.0", with anything in front of "pci"
 *
 * Bus numbers change when a card is added, device and function of each step do not
 * (PCI Firmware specification: bus numbers are assigned in the order of enumeration). The
 * domain behind Intel VMD is numbered in the order of probing, so it is left out.
 *
 * Return: "pci0000:00/03.1/00.0"; NULL when @path is no PCI device's.
 */
const char *card_port(struct arena *a, const char *path);

/**
 * card_write() - one card as the rest of a line: address, ids, port, serials
 * card_parse() - read it back; false when it is no card, @ret is untouched then
 */
void card_write(struct arena *a, struct strbuf *b, const struct card *c);
bool card_parse(struct arena *a, struct bytes text, struct card *ret);
