# A container with a GPU, by the provider bpg/proxmox. gpuanchor must be installed on the node.
#
# What guides do here over SSH - append lxc.idmap, lxc.cgroup2 and lxc.mount.entry lines to
# /etc/pve/lxc/101.conf, with numbers from variables - is left out: hook_script_file_id is enough,
# and it stays right when the numbers change. The first start takes the only GPU of the node; with
# several, write /etc/pve/gpuanchor/101.conf before (see mapping.conf).
#
# Two things here are for root@pam, and not for its API tokens either: to set the hookscript
# ("changing the hookscript is only allowed for root@pam"), and features other than nesting.
# Somebody who wants a token leaves both out and runs `gpuanchor enable 101` on the node afterwards.

terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

variable "endpoint" {
  type    = string
  default = "https://pve1.example.com:8006/"
}

variable "root_password" {
  type      = string
  sensitive = true
}

provider "proxmox" {
  endpoint = var.endpoint
  username = "root@pam"
  password = var.root_password
}

resource "proxmox_virtual_environment_container" "ollama" {
  node_name    = "pve1"
  vm_id        = 101
  unprivileged = true
  started      = true

  hook_script_file_id = "local:snippets/gpuanchor-hook"

  features {
    nesting = true
    fuse    = true
  }

  cpu {
    cores = 4
  }

  memory {
    dedicated = 4096
  }

  disk {
    datastore_id = "local-lvm"
    size         = 64
  }

  network_interface {
    name = "eth0"
  }

  initialization {
    hostname = "ollama"

    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }

  operating_system {
    template_file_id = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
    type             = "debian"
  }
}
