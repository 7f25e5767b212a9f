# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for gpuanchor(1)

# all containers of this node, or those that are managed
_gpuanchor_vmids() {
        local pve=${GPUANCHOR_ROOT-}/etc/pve file vmid

        for file in "$pve"/lxc/*.conf; do
                vmid=${file##*/}
                vmid=${vmid%.conf}
                [[ -e $file ]] || continue
                [[ $1 != managed || -e $pve/gpuanchor/$vmid.conf ]] ||
                        grep -q '^hookscript:.*/gpuanchor-hook$' "$file" 2>/dev/null || continue
                echo "$vmid"
        done
}

# what --gpu takes on this host
_gpuanchor_selectors() {
        printf '%s\n' auto all
        gpuanchor gpus --plain 2>/dev/null | awk -F'\t' '
                $1 != "-" { print $1 }
                $2 != "-" { print "id:" $2 }
                $3 != "-" { print "driver:" $3 }
                sub(/.*\/card/, "card", $4) { print $4 }' | sort -u
}

_gpuanchor_hookscripts() {
        local file

        echo none
        for file in /var/lib/vz/snippets/*; do
                [[ -x $file && ${file##*/} != gpuanchor-hook ]] && echo "local:snippets/${file##*/}"
        done
}

_gpuanchor_options() {
        echo --help --quiet --verbose
        case $1 in
        '') echo --version ;;
        gpus | doctor) echo --json --plain ;;
        plan) echo --json ;;
        status) echo --json --plain --prometheus --cluster ;;
        apply) echo --all --boot --dry-run ;;
        enable) echo --all --now --gpu --method --devices --video-gid --render-gid --missing --exclusive --next-hook --preset --guest-groups --guest-users \
                --guest-service --guest-environment --dry-run ;;
        convert) echo --to --json --dry-run ;;
        disable) echo --all --keep-policy --now --dry-run ;;
        undo) echo --force --dry-run ;;
        fix) echo --dry-run ;;
        report) echo --output ;;
        esac
}

_gpuanchor() {
        local verbs='gpus status doctor fix plan apply enable convert disable undo report look help version'
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
        local verb='' vmid='' words='' i

        # a selector has colons, at which bash cuts words, as it does at the = of an option
        if declare -F _get_comp_words_by_ref >/dev/null; then
                _get_comp_words_by_ref -n := cur prev
        elif [[ $cur == = ]]; then
                cur=
        elif [[ $prev == = ]]; then
                prev=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        if [[ $cur == --*=* ]]; then
                prev=${cur%%=*}
                cur=${cur#*=}
        fi
        for ((i = 1; i < COMP_CWORD; i++)); do
                if [[ -z $verb && " $verbs " == *" ${COMP_WORDS[i]} "* ]]; then
                        verb=${COMP_WORDS[i]}
                elif [[ ${COMP_WORDS[i]} =~ ^[1-9][0-9]{2,}$ && ! ${COMP_WORDS[i - 1]} =~ [:=]$|^--.*-gid$ ]]; then
                        vmid=${COMP_WORDS[i]}
                fi
        done
        case $prev in
        --gpu | -g) words=$(_gpuanchor_selectors) ;;
        --method | -m) words='auto idmap dev' ;;
        --devices | -d) words='card render card,render card,render,kfd card,render,nvidia accel' ;;
        --video-gid | --render-gid) words=auto ;;
        --missing) words='start refuse wait:' ;;
        --exclusive) words='yes no' ;;
        --to) words='dev idmap' ;;
        --output | -o)
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --next-hook) words=$(_gpuanchor_hookscripts) ;;
        --preset | -p) words='ollama jellyfin plex frigate' ;;
        --guest-groups) words='leave ensure' ;;
        --guest-users) words='none ollama jellyfin plex' ;;
        --guest-service) words='none ollama.service jellyfin.service plexmediaserver.service frigate.service' ;;
        --guest-environment) words='none OLLAMA_VULKAN=1' ;;
        *)
                if [[ $cur == -* ]]; then
                        words=$(_gpuanchor_options "$verb")
                elif [[ -z $verb ]]; then
                        words=$verbs
                else
                        case $verb${vmid:+ VMID} in
                        gpus | report | look | version) ;;
                        'fix VMID') words='chmod device-line idmap legacy-key' ;;
                        *VMID) ;;
                        help) words=$verbs ;;
                        apply | convert | disable) words=$(_gpuanchor_vmids managed) ;;
                        *) words=$(_gpuanchor_vmids) ;;
                        esac
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        if declare -F __ltrim_colon_completions >/dev/null; then
                __ltrim_colon_completions "$cur"
        fi
}

complete -F _gpuanchor gpuanchor
