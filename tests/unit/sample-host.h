/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * sample-host - facts written by hand, for the tests of what is decided from them
 *
 * The guide's machine with a second Radeon in it and an NVIDIA card: three cards whose card
 * and render numbers are in different order, a management controller, an NPU, kfd.
 */
#include "model/gpu/facts.h"

#define SAMPLE_NODE(kind_, path_, major_, minor_, gid_) \
        { .kind = (kind_), .path = (path_), .number = { (major_), (minor_), false }, \
          .state = NODE_CHAR, .gid = (gid_), .mode = (gid_) ? 0660 : 0666 }
#define SAMPLE_GPU(address_, vendor_, device_, driver_, nodes_) \
        { .address = (address_), .pci = true, \
          .ids = { (vendor_), (device_), 0x1da2, 0xe448 }, .class = 0x030000, \
          .driver = (driver_), .nodes = (nodes_), .n_nodes = ELEMENTS(nodes_) }

enum { SAMPLE_AMD_1, SAMPLE_AMD_2, SAMPLE_NVIDIA, SAMPLE_BMC, SAMPLE_NPU, SAMPLE_VFIO, SAMPLE_GPUS };

static struct node sample_amd_1[] = {
        SAMPLE_NODE(NODE_CARD, "/dev/dri/card0", 226, 0, 44),
        SAMPLE_NODE(NODE_RENDER, "/dev/dri/renderD129", 226, 129, 104),
};
static struct node sample_amd_2[] = {
        SAMPLE_NODE(NODE_CARD, "/dev/dri/card1", 226, 1, 44),
        SAMPLE_NODE(NODE_RENDER, "/dev/dri/renderD128", 226, 128, 104),
};
static struct node sample_nvidia[] = {
        SAMPLE_NODE(NODE_CARD, "/dev/dri/card2", 226, 2, 44),
        SAMPLE_NODE(NODE_RENDER, "/dev/dri/renderD130", 226, 130, 104),
        SAMPLE_NODE(NODE_NVIDIA, "/dev/nvidia0", 195, 0, 0),
};
static struct node sample_bmc[] = { SAMPLE_NODE(NODE_CARD, "/dev/dri/card3", 226, 3, 44) };
static struct node sample_npu[] = { SAMPLE_NODE(NODE_ACCEL, "/dev/accel/accel0", 261, 0, 104) };

static struct gpu sample_gpus[SAMPLE_GPUS] = {
        [SAMPLE_AMD_1] = SAMPLE_GPU("0000:01:00.0", 0x1002, 0x73ff, "amdgpu", sample_amd_1),
        [SAMPLE_AMD_2] = SAMPLE_GPU("0000:02:00.0", 0x1002, 0x73ff, "amdgpu", sample_amd_2),
        [SAMPLE_NVIDIA] = SAMPLE_GPU("0000:03:00.0", 0x10de, 0x2684, "nvidia", sample_nvidia),
        [SAMPLE_BMC] = SAMPLE_GPU("0000:04:00.0", 0x1a03, 0x2000, "ast", sample_bmc),
        [SAMPLE_NPU] = SAMPLE_GPU("0000:05:00.1", 0x1022, 0x17f0, "amdxdna", sample_npu),
        [SAMPLE_VFIO] = { .address = "0000:06:00.0", .pci = true,
                          .ids = { 0x10de, 0x1b80, 0, 0 }, .class = 0x030000, .driver = "vfio-pci" },
};
static struct node sample_shared[] = {
        SAMPLE_NODE(NODE_KFD, "/dev/kfd", 235, 0, 104),
        SAMPLE_NODE(NODE_NVIDIA, "/dev/nvidiactl", 195, 255, 0),
        SAMPLE_NODE(NODE_NVIDIA, "/dev/nvidia-uvm", 508, 0, 0),
};
static struct char_major sample_majors[] = {
        { 1, "mem" },   { 10, "misc" }, { 195, "nvidia" },     { 226, "drm" },
        { 235, "kfd" }, { 240, "hid" }, { 261, "accel" },      { 508, "nvidia-uvm" },
};
static const struct facts sample_host = {
        .gpus = sample_gpus,
        .n_gpus = SAMPLE_GPUS,
        .shared = sample_shared,
        .n_shared = ELEMENTS(sample_shared),
        .groups[GID_VIDEO] = { true, 44 },
        .groups[GID_RENDER] = { true, 104 },
        .majors = sample_majors,
        .n_majors = ELEMENTS(sample_majors),
};
