# SPDX-License-Identifier: LGPL-2.1-or-later
#
# fish completion for gpuanchor(1)

function __gpuanchor_vmids
    for file in $GPUANCHOR_ROOT/etc/pve/lxc/*.conf
        basename $file .conf
    end
end

function __gpuanchor_managed
    for file in $GPUANCHOR_ROOT/etc/pve/lxc/*.conf
        set -l vmid (basename $file .conf)
        if test -e $GPUANCHOR_ROOT/etc/pve/gpuanchor/$vmid.conf
            echo $vmid
        else if grep -q '^hookscript:.*/gpuanchor-hook$' $file 2>/dev/null
            echo $vmid
        end
    end
end

function __gpuanchor_selectors
    printf '%s\n' auto all
    gpuanchor gpus --plain 2>/dev/null | awk -F'\t' '
        $1 != "-" { print $1 }
        $2 != "-" { print "id:" $2 }
        $3 != "-" { print "driver:" $3 }
        sub(/.*\/card/, "card", $4) { print $4 }' | sort -u
end

function __gpuanchor_hookscripts
    echo none
    for file in /var/lib/vz/snippets/*
        test -x $file; and test (basename $file) != gpuanchor-hook
        and echo local:snippets/(basename $file)
    end
end

function __gpuanchor_verb
    __fish_seen_subcommand_from $argv
end

# is the container there already? gids and what follows a colon are none
function __gpuanchor_has_vmid
    commandline -opc | string join ' ' | string match -qr -- '(?<!-gid) [1-9][0-9]{2,}( |$)'
end

set -l verbs gpus status doctor fix plan apply enable convert disable undo report look help version

complete -c gpuanchor -f
complete -c gpuanchor -s h -l help -d 'Show help and exit'
complete -c gpuanchor -s q -l quiet -d 'Say only what is wrong'
complete -c gpuanchor -s v -l verbose -d 'Say also what is merely good to know'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -s V -l version -d 'Show the version and exit'

complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a gpus -d 'List the GPUs of this host'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a status -d 'GPUs, managed containers, and what is wrong'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a plan -d 'Show what the next start would change'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a doctor -d 'Where the chain to the GPU breaks'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a fix -d 'Correct lines that doctor names'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a apply -d 'Write now what the next start would write'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a enable -d 'Hand a container over to gpuanchor'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a convert -d 'Move a container to the other method'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a disable -d 'Take gpuanchor out of a container'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a undo -d 'Restore the container file'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a report -d 'One file for a bug report'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a look -d 'For gpuanchor-look.service'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a help -d 'What gpuanchor, or a verb, can do'
complete -c gpuanchor -n "not __gpuanchor_verb $verbs" -a version -d 'Show the version'
complete -c gpuanchor -n '__gpuanchor_verb help' -a "$verbs"

complete -c gpuanchor -n '__gpuanchor_verb status doctor fix plan enable undo; and not __gpuanchor_has_vmid' -a '(__gpuanchor_vmids)' -d Container
complete -c gpuanchor -n '__gpuanchor_verb apply convert disable; and not __gpuanchor_has_vmid' -a '(__gpuanchor_managed)' -d Container
complete -c gpuanchor -n '__gpuanchor_verb gpus status doctor plan convert' -l json -d 'One JSON object on stdout'
complete -c gpuanchor -n '__gpuanchor_verb gpus status doctor' -l plain -d 'Lines of fields separated by tabs'
complete -c gpuanchor -n '__gpuanchor_verb status' -l cluster -d 'All nodes of the cluster'
complete -c gpuanchor -n '__gpuanchor_verb status' -l prometheus -d 'Metrics for Prometheus'
complete -c gpuanchor -n '__gpuanchor_verb fix apply enable convert disable undo' -s n -l dry-run -d 'Change nothing'
complete -c gpuanchor -n '__gpuanchor_verb apply disable enable' -s a -l all -d 'Every container of this node'
complete -c gpuanchor -n '__gpuanchor_verb apply' -l boot -d 'For the boot service'
complete -c gpuanchor -n '__gpuanchor_verb enable disable' -l now -d 'In the running container, too'
complete -c gpuanchor -n '__gpuanchor_verb disable' -l keep-policy -d 'Take out only the hookscript'
complete -c gpuanchor -n '__gpuanchor_verb fix; and __gpuanchor_has_vmid' -a 'chmod device-line idmap legacy-key' -d Check
complete -c gpuanchor -n '__gpuanchor_verb undo' -s f -l force -d 'Also take back what others changed'
complete -c gpuanchor -n '__gpuanchor_verb enable' -s g -l gpu -x -a '(__gpuanchor_selectors)' -d 'Which GPU'
complete -c gpuanchor -n '__gpuanchor_verb enable' -s m -l method -x -a 'auto idmap dev' -d 'How'
complete -c gpuanchor -n '__gpuanchor_verb enable' -s d -l devices -x -a 'card render card,render card,render,kfd card,render,nvidia accel' -d 'Which nodes'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l video-gid -x -a auto -d 'Gid of video inside'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l render-gid -x -a auto -d 'Gid of render inside'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l missing -x -a 'start refuse wait:' -d 'When the GPU is gone'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l exclusive -x -a 'yes no' -d 'Nobody else may have the GPU'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l next-hook -x -a '(__gpuanchor_hookscripts)' -d 'Hookscript to run after'
complete -c gpuanchor -n '__gpuanchor_verb convert' -l to -x -a 'dev idmap' -d 'Form of the lines'
complete -c gpuanchor -n '__gpuanchor_verb report' -s o -l output -r -F -d 'Where to'
complete -c gpuanchor -n '__gpuanchor_verb enable' -s p -l preset -x -a 'ollama jellyfin plex frigate' -d 'What a service needs inside'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l guest-groups -x -a 'leave ensure' -d 'Create groups inside'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l guest-users -x -a 'none ollama jellyfin plex' -d 'Users inside to add to them'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l guest-service -x -a 'none ollama.service jellyfin.service plexmediaserver.service frigate.service' -d 'Units inside to keep right'
complete -c gpuanchor -n '__gpuanchor_verb enable' -l guest-environment -x -a 'none OLLAMA_VULKAN=1' -d 'Variables for these units'
