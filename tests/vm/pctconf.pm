# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pctconf.pm - a container file as Proxmox reads and writes it, and the config that it generates for LXC
#
#   perl -w pctconf.pm FOLDER VMID    the config, from the container file of a folder that is a host
#
# The machine's pct uses the functions; stories and examples on folders use the command. There a devN
# that would end Proxmox's start, before any hook, gives no line, and a template prints nothing.
#
# Compared with pve-container 6.1.10. Left out, because nothing here needs it: values of the wrong type
# (Proxmox says so and keeps them), properties of devN that it refuses, encoding of the notes, "description:";
# of the config network, memory and CPU limits, features (fuse would add a mount entry), the console,
# /dev/shm of an application, AppArmor and its profiles, seccomp.
package pctconf;

use strict; # and nothing else: every module is paid for at every start

my $KEYS = qr/^(?:arch|cmode|console|cores|cpulimit|cpuunits|debug|description|dev\d+|entrypoint|features
    |hookscript|hostname|lock|memory|mp\d+|nameserver|net\d+|onboot|ostype|parent|protection|rootfs
    |searchdomain|snaptime|startup|swap|tags|template|timezone|tty|unprivileged|unused\d+)$/x;
my $LXC_KEYS = qr/^lxc\.(?:idmap|mount\.(?:entry|auto|fstab)|cgroup2?\..+|(?:pr)?limit\..+|net\..+
    |environment(?:\.runtime|\.hooks)?|cap\.(?:drop|keep)|init\.(?:cmd|cwd|uid|gid|groups)
    |hook\.(?:pre-start|pre-mount|mount|autodev|start|stop|post-stop|clone|destroy|version)
    |apparmor\.(?:profile|raw|allow_incomplete|allow_nesting)|seccomp\.(?:profile|notify\.(?:proxy|cookie))
    |selinux\.context|signal\.(?:halt|reboot|stop)|start\.(?:auto|delay|order)|log\.(?:level|file)|group
    |include|arch|uts\.name|rootfs\.mount|autodev|kmsg|pty\.max|tty\.max|devtty\.dir|console\.(?:path|logfile)
    |sysctl\.(?:fs\.mqueue|kernel\.(?:sem|msg(?:max|mnb|mni)|shm(?:all|max|mni|_rmid_forced)))
    |aa_(?:profile|allow_incomplete)|se_context|seccomp|id_map|init_cmd|mount|network\..+|(?:halt|reboot|stop)signal
    |console|devttydir|loglevel|logfile|pts|tty|utsname)$/x;

sub known { return $_[0] =~ $KEYS }

sub yes { return ($_[0] // '') =~ /^(?:1|on|yes|true)$/i }

sub slurp {
    my ($path) = @_;
    open(my $fh, '<:raw', $path) or die "unable to open '$path' - $!\n";
    local $/ = undef;
    my $raw = <$fh>;
    die "unable to read '$path' - $!\n" if !defined $raw && $!;
    return $raw // '';
}

# Returns a list of sections { name, notes, keys, lxc }; the first one has no
# name and is the only one that counts for a start.
sub parse {
    my ($vmid, $raw) = @_;
    my @sections = ({ name => '', notes => [], keys => {}, lxc => [] });
    for my $line (split /\n/, $raw) {
        my $s = $sections[-1];
        my $understood = 1;
        if ($line =~ /^\s*$/) {
            next;
        } elsif ($line =~ /^\[(pve:pending|[a-z][a-z0-9_\-]+)\]\s*$/i) {
            push @sections, { name => $1, notes => [], keys => {}, lxc => [] };
        } elsif ($line =~ /^#(.*)$/) {
            push @{ $s->{notes} }, $1;
        } elsif ($line =~ /^(lxc\.[a-z0-9_.\-]+)(?::|\s*=)\s*(.*?)\s*$/) {
            my ($key, $value) = ($1, $2);
            $understood = $key =~ $LXC_KEYS;
            push @{ $s->{lxc} }, [$key, $value] if $understood;
        } elsif ($line =~ /^([a-z][a-z_]*\d*):\s*(.+?)\s*$/) {
            my ($key, $value) = ($1, $2);
            $s->{keys}{$key} = $value; # one that is not known stays, too
            $understood = known($key) || $key eq 'snapstate' || $key eq 'delete';
        } else {
            $understood = 0;
        }
        warn "vm $vmid - unable to parse config: $line\n" if !$understood;
    }
    return \@sections;
}

# As Proxmox writes it: notes first, keys sorted as text, lxc.* lines last in their own order but for
# the variables of an application, no blank line but the one before a section.
sub format_conf {
    my ($sections) = @_;
    my $raw = '';
    for my $s (@$sections) {
        $raw .= "\n[$s->{name}]\n" if $s->{name} ne '';
        $raw .= "#$_\n" for @{ $s->{notes} };
        $raw .= "$_: $s->{keys}{$_}\n" for sort keys %{ $s->{keys} };
        $raw .= "$_->[0]: $_->[1]\n" for lxc_lines($s);
    }
    return $raw;
}

sub lxc_lines {
    my ($conf) = @_;
    my @lines = @{ $conf->{lxc} };
    my $runtime = 'lxc.environment.runtime';
    return ((grep { $_->[0] eq $runtime } @lines), (grep { $_->[0] ne $runtime } @lines));
}

# dev0: /dev/dri/renderD128,gid=110 - the path comes first or is a property.
sub device {
    my ($value) = @_;
    my %dev;
    for my $part (split /,/, $value) {
        my ($k, $v) = $part =~ /^([a-z-]+)=(.*)$/ ? ($1, $2) : ('path', $part);
        $dev{$k} = $v;
    }
    die "Path has to be defined\n" if !defined $dev{path};
    $dev{'deny-write'} = yes($dev{'deny-write'});
    return \%dev;
}

# The values of devN.
sub devices {
    my ($conf) = @_;
    return map { $conf->{keys}{$_} } sort grep { /^dev\d+$/ } keys %{ $conf->{keys} };
}

sub device_number {
    my ($path) = @_;
    my ($mode, $rdev) = (stat $path)[2, 6];
    die "Device $path does not exist\n" if !defined $mode;
    my $type = -c _ ? 'c' : -b _ ? 'b' : die "$path is not a device\n";
    my $major = ($rdev >> 8) & 0xfff;
    my $minor = ($rdev & 0xff) | (($rdev >> 12) & 0xfff00);
    return ($type, $major, $minor);
}

sub device_lines {
    my ($value, $root) = @_;
    my $dev = device($value);
    my $number = sprintf '%s %d:%d', device_number($root . $dev->{path});
    return "lxc.cgroup2.devices.allow = $number rw" if !$dev->{'deny-write'};
    return ("lxc.cgroup2.devices.allow = $number r", "lxc.cgroup2.devices.deny = $number w");
}

# The config of a section; undef: Proxmox makes none. ROOT is where the nodes are, '' or a folder.
sub generate {
    my ($vmid, $conf, $root) = @_;
    my $k = $conf->{keys};
    return undef if yes($k->{template});
    for my $key (qw(arch ostype rootfs)) {
        die "missing '$key' configuration\n" if !$k->{$key};
    }
    my $own_map = grep { $_->[0] eq 'lxc.idmap' } @{ $conf->{lxc} };
    my $userns = yes($k->{unprivileged}) || $own_map;
    my $include = '/usr/share/lxc/config/' . ($k->{ostype} eq 'unmanaged' ? '' : "$k->{ostype}.");

    my @raw = (
        'lxc.cgroup.relative = 0',
        "lxc.cgroup.dir.monitor = lxc.monitor/$vmid",
        "lxc.cgroup.dir.container = lxc/$vmid",
        'lxc.cgroup.dir.container.inner = ns',
        "lxc.arch = $k->{arch}",
        "lxc.include = ${include}common.conf",
    );
    push @raw, "lxc.include = ${include}userns.conf", 'lxc.mount.auto = sys:mixed' if $userns;
    for my $value (devices($conf)) {
        my @lines = eval { device_lines($value, $root) };
        die $@ if $@ && $root eq '';
        push @raw, @lines;
    }
    push @raw, 'lxc.monitor.unshare = 1';
    push @raw, 'lxc.idmap = u 0 100000 65536', 'lxc.idmap = g 0 100000 65536' if $userns && !$own_map;
    push @raw, 'lxc.tty.max = 2', 'lxc.environment = TERM=linux';
    push @raw, 'lxc.uts.name = ' . ($k->{hostname} // "CT$vmid"), "lxc.rootfs.path = /var/lib/lxc/$vmid/rootfs";
    push @raw, "lxc.init.cmd = $k->{entrypoint}" if defined $k->{entrypoint};
    push @raw, "$_->[0] = $_->[1]" for lxc_lines($conf);
    return join '', map { "$_\n" } @raw;
}

if (!caller) {
    die "usage: perl -w pctconf.pm FOLDER VMID\n" if @ARGV != 2;
    my ($root, $vmid) = @ARGV;
    print generate($vmid, parse($vmid, slurp("$root/etc/pve/lxc/$vmid.conf"))->[0], $root) // '';
}
1;
