/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * uevent - device events in the form in which udevd sends them to its listeners
 *
 * For tests and benches that want the real netlink socket, with the kernel's
 * own queue and filter, without a udevd. Needs CAP_NET_ADMIN. The header is
 * that of libsystemd's device-monitor.c, and has been the same since 2009.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct uevent_header {
        char prefix[8];
        uint32_t magic, header_size, properties_off, properties_len;
        uint32_t subsystem_hash, devtype_hash, tag_bloom_hi, tag_bloom_lo;
};

/* MurmurHash2, Austin Appleby, public domain; what the kernel's filter compares */
static inline uint32_t uevent_hash(const char *s) {
        const uint32_t m = 0x5bd1e995;
        size_t len = strlen(s);
        uint32_t h = (uint32_t)len, k;

        for (; len >= 4; s += 4, len -= 4) {
                memcpy(&k, s, 4);
                k *= m;
                k ^= k >> 24;
                h = (h * m) ^ (k * m);
        }
        for (size_t i = len; i-- > 0;)
                h ^= (uint32_t)(unsigned char)s[i] << (8 * i);
        h = len ? h * m : h;
        h ^= h >> 13;
        h *= m;
        return h ^ (h >> 15);
}

/* Return: socket to send on, -1 on failure. */
static inline int uevent_open(void) {
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
}

/* One event of a DRM device to everybody who listens to "udev"; 0 or -1. */
static inline int uevent_send(int fd) {
        static const char properties[] = "ACTION=change\0DEVPATH=/devices/virtual/drm/none\0"
                                         "SUBSYSTEM=drm\0SEQNUM=1\0USEC_INITIALIZED=1\0";
        struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 2 };
        char message[sizeof(struct uevent_header) + sizeof(properties)];
        struct uevent_header h = {
                .prefix = "libudev",
                .magic = htonl(0xfeedcafe),
                .header_size = sizeof(h),
                .properties_off = sizeof(h),
                .properties_len = sizeof(properties) - 1,
                .subsystem_hash = htonl(uevent_hash("drm")),
        };

        memcpy(message, &h, sizeof(h));
        memcpy(message + sizeof(h), properties, sizeof(properties));
        return sendto(fd, message, sizeof(h) + sizeof(properties) - 1, 0, (struct sockaddr *)(void *)&to,
                      sizeof(to)) < 0 ? -1 : 0;
}
