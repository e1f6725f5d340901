# Completion of riv for bash: source this file, or install it as .../bash-completion/completions/riv.
_riv() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word i
    local with_value=' --engine --cpu --interpret -L -E -U -0 -s -d -D '
    local options='--engine --cpu --interpret -L -E -U -0 -s --strace --stats -d -D --help --version --'
    # riv trace and riv diff have options beside riv's own, and take the command line of riv boot behind the word boot
    local boot=${COMP_WORDS[1]} rom=$current
    if [[ $boot =~ ^(trace|diff)$ && " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *' boot '* ]]; then
        boot=boot
    fi
    # rom:NAME: the shell takes the colon for a word
    if [[ $current == : ]]; then
        rom=$previous:
    elif [[ $previous == : ]]; then
        rom=${COMP_WORDS[COMP_CWORD - 2]}:$current
    fi
    if [[ $rom == rom:* && ${COMP_WORDS[1]} =~ ^(trace|diff|boot)$ ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(riv boot --list 2>/dev/null | awk '{print $1}')" -- "$rom")
        [[ $rom == "$current" ]] || COMPREPLY=("${COMPREPLY[@]#rom:}")
        return
    fi
    if [[ ${COMP_WORDS[1]} == trace ]]; then
        with_value+='--format -o --pc --symbol --from --to --count --privilege '
        options="--format -o --pc --symbol --from --to --count --privilege --traps $options"
        case $previous in
        --format) mapfile -t COMPREPLY < <(compgen -W 'spike qemu json chrome' -- "$current"); return ;;
        -o) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --pc | --symbol | --from | --to | --count | --privilege) return ;;
        esac
    fi
    if [[ ${COMP_WORDS[1]} == diff ]]; then
        with_value+='--against -o --reproducer --expect --check --tries --limit '
        options="--against --step --bisect --expect --check --tries --limit --json -o --quiet --reproducer $options"
        case $previous in
        --against) mapfile -t COMPREPLY < <(compgen -W 'unicorn interp qemu qemu: spike-log:' -- "$current"); return ;;
        --check | --tries | --limit) return ;;
        -o | --reproducer | --expect) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        esac
    fi
    if [[ ${COMP_WORDS[1]} == fuzz ]]; then
        options='--seconds= --cases= --seed= --isa= --weights= --focus= --jobs= --keep-going --no-unicorn --output= --replay= --coverage= --help'
    fi
    if [[ $boot == boot ]]; then
        with_value+='--bios --kernel --initrd --append --drive --netdev --device --console --pflash --serial -m --smp --display --resolution --screenshot --frames --signature '
        options='--bios --kernel --initrd --append --drive --netdev --device --console --pflash --serial -m --smp --cpu --engine --display --resolution --screenshot --frames --signature --icount --semihosting --stats --list --help --version'
        case $previous in
        --bios | --kernel | --initrd | --drive | --pflash | --screenshot | --signature) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --display) mapfile -t COMPREPLY < <(compgen -W 'sdl none' -- "$current"); return ;;
        --append | --netdev | --device | --console | --serial | -m | --smp | --resolution | --frames) return ;;
        esac
    fi
    COMPREPLY=()
    case $previous in
    --engine) mapfile -t COMPREPLY < <(compgen -W 'auto jit interp' -- "$current"); return ;;
    --cpu | -cpu) mapfile -t COMPREPLY < <(compgen -W "$(riv --cpu help 2>/dev/null | awk '{print $1}') help" -- "$current"); return ;;
    -d) mapfile -t COMPREPLY < <(compgen -W "$(riv -d help 2>/dev/null | awk '{print $1}') help" -- "$current"); return ;;
    -L) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    -D) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    -U) mapfile -t COMPREPLY < <(compgen -v -- "$current"); return ;;
    -E | -0 | -s | --interpret) return ;;
    esac
    # After the program everything is its own: files.
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ $i != 1 || ! ${COMP_WORDS[1]} =~ ^(trace|diff|fuzz|boot)$ ]] || continue
        word=${COMP_WORDS[i]}
        [[ $word != boot || $boot != boot ]] || continue
        if [[ $word != -* && $with_value != *" ${COMP_WORDS[i - 1]} "* ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
    done
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'info help trace diff fuzz boot' -- "$current"; compgen -f -- "$current")
    elif [[ ${COMP_WORDS[1]} =~ ^(trace|diff)$ && $boot != boot ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'boot rom:' -- "$current"; compgen -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o filenames -F _riv riv
