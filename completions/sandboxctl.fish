function __sandboxctl_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __sandboxctl_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __sandboxctl_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __sandboxctl_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __sandboxctl_parse_tokens -S
    set -l unparsed_tokens (__sandboxctl_tokens -pc)
    switch $unparsed_tokens[1]
    case 'sandboxctl'
        __sandboxctl_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'create'
            __sandboxctl_parse_subcommand 1 't/template=' 'w/workspace=' 'workspace-mode=' 'store=' 'network=' 'allow=+' 'secret=+' 'e/env=+' 'memory=' 'tasks=' 'cpu=' 'root-size=' 'root-inodes=' 'no-start' 'dry-run' 'json' 'version' 'h/help'
        case 'run'
            __sandboxctl_parse_subcommand -r 1 't/template=' 'w/workspace=' 'workspace-mode=' 'store=' 'network=' 'allow=+' 'secret=+' 'e/env=+' 'memory=' 'tasks=' 'cpu=' 'root-size=' 'root-inodes=' 'name=' 'tty' 'i/interactive' 'timeout=' 'keep' 'version' 'h/help'
        case 'exec'
            __sandboxctl_parse_subcommand -r 2 't/tty' 'i/interactive' 'u/user=' 'e/env=+' 'C/directory=' 'timeout=' 'version' 'h/help'
        case 'shell'
            __sandboxctl_parse_subcommand -r 2 't/tty' 'i/interactive' 'u/user=' 'e/env=+' 'C/directory=' 'timeout=' 'version' 'h/help'
        case 'cp'
            __sandboxctl_parse_subcommand 2 'version' 'h/help'
        case 'reset'
            __sandboxctl_parse_subcommand -r 1 'timeout=' 'all' 'version' 'h/help'
        case 'stop'
            __sandboxctl_parse_subcommand -r 1 'timeout=' 'all' 'version' 'h/help'
        case 'start'
            __sandboxctl_parse_subcommand -r 1 'all' 'version' 'h/help'
        case 'restart'
            __sandboxctl_parse_subcommand -r 1 'timeout=' 'all' 'version' 'h/help'
        case 'remove'
            __sandboxctl_parse_subcommand -r 1 'timeout=' 'all' 'version' 'h/help'
        case 'network'
            __sandboxctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'show'
                __sandboxctl_parse_subcommand 1 'json' 'version' 'h/help'
            case 'allow'
                __sandboxctl_parse_subcommand -r 2 'for=' 'direct' 'version' 'h/help'
            case 'deny'
                __sandboxctl_parse_subcommand -r 2 'version' 'h/help'
            case 'set'
                __sandboxctl_parse_subcommand 2 'version' 'h/help'
            case 'refresh'
                __sandboxctl_parse_subcommand -r 1 'due' 'all' 'version' 'h/help'
            case 'explain'
                __sandboxctl_parse_subcommand 3 'json' 'version' 'h/help'
            case 'verify'
                __sandboxctl_parse_subcommand -r 1 'all' 'version' 'h/help'
            case 'denied'
                __sandboxctl_parse_subcommand 1 'json' 'f/follow' 'version' 'h/help'
            end
        case 'list'
            __sandboxctl_parse_subcommand 0 'json' 'q/quiet' 'version' 'h/help'
        case 'status'
            __sandboxctl_parse_subcommand 1 'json' 'version' 'h/help'
        case 'logs'
            __sandboxctl_parse_subcommand 1 'f/follow' 'n/lines=' 'json' 'version' 'h/help'
        case 'template'
            __sandboxctl_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'list'
                __sandboxctl_parse_subcommand 0 'json' 'q/quiet' 'version' 'h/help'
            case 'show'
                __sandboxctl_parse_subcommand 1 'json' 'version' 'h/help'
            case 'check'
                __sandboxctl_parse_subcommand 1 'version' 'h/help'
            case 'trust'
                __sandboxctl_parse_subcommand 1 'version' 'h/help'
            end
        case 'gc'
            __sandboxctl_parse_subcommand 0 'force' 'json' 'version' 'h/help'
        case 'doctor'
            __sandboxctl_parse_subcommand 0 'json' 'version' 'h/help'
        case 'help'
            __sandboxctl_parse_subcommand -r 1 'version'
        end
    end
end

function __sandboxctl_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __sandboxctl_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __sandboxctl_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __sandboxctl_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__sandboxctl_tokens -p)
    if test -z "$(__sandboxctl_tokens -t)"
        set -l index (count (__sandboxctl_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'sandboxctl' -f
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'create' -d 'Create a sandbox and start it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'run' -d 'Create a sandbox, run a program in it, remove it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'exec' -d 'Run a program in a running sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'shell' -d 'Open a shell in a running sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'cp' -d 'Copy a file or directory into or out of a sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'reset' -d 'Give sandboxes a new root.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'stop' -d 'Stop sandboxes and everything in them.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'start' -d 'Start sandboxes.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'restart' -d 'Stop and start sandboxes.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'remove' -d 'Remove sandboxes.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'network' -d 'Show and change what a sandbox reaches.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'list' -d 'List sandboxes.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'status' -d 'Show one sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'logs' -d 'Show the log of a sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'template' -d 'List, show, check and trust templates.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'gc' -d 'Find what a crash left, and with --force clear it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'doctor' -d 'Check whether this host can hold sandboxes.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" t template' -l 'template' -s 't' -d 'Template: a name, or the path of a file.' -rfka '(sandboxctl template list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" w workspace' -l 'workspace' -s 'w' -d 'Project directory, /workspace inside.' -rfa '(__sandboxctl_complete_directories)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" workspace-mode' -l 'workspace-mode' -d 'How the workspace appears: bind or read-only.' -rfka 'bind read-only'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" store' -l 'store' -d 'Software tree: host, nix, or a directory with usr/.' -rfa '(__sandboxctl_complete_directories)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" network' -l 'network' -d 'Network mode: none, restricted or full.' -rfka 'none restricted full'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create"' -l 'allow' -d 'Host that may be reached, HOST or HOST:PORT, with \'*.\' before it for all below; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create"' -l 'secret' -d 'Secret, shown as /run/secrets/NAME; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create"' -l 'env' -s 'e' -d 'Environment variable of the agent; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" memory' -l 'memory' -d 'Memory, such as 4G.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" tasks' -l 'tasks' -d 'Processes and threads.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" cpu' -l 'cpu' -d 'Processor time, in percent of one processor: 200%.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" root-size' -l 'root-size' -d 'Size of the root.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" root-inodes' -l 'root-inodes' -d 'Files and directories of the root.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" no-start' -l 'no-start' -d 'Do not start it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" dry-run' -l 'dry-run' -d 'Show what would be done, and do nothing.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl create" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" t template' -l 'template' -s 't' -d 'Template: a name, or the path of a file.' -rfka '(sandboxctl template list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" w workspace' -l 'workspace' -s 'w' -d 'Project directory, /workspace inside.' -rfa '(__sandboxctl_complete_directories)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" workspace-mode' -l 'workspace-mode' -d 'How the workspace appears: bind or read-only.' -rfka 'bind read-only'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" store' -l 'store' -d 'Software tree: host, nix, or a directory with usr/.' -rfa '(__sandboxctl_complete_directories)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" network' -l 'network' -d 'Network mode: none, restricted or full.' -rfka 'none restricted full'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run"' -l 'allow' -d 'Host that may be reached, HOST or HOST:PORT, with \'*.\' before it for all below; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run"' -l 'secret' -d 'Secret, shown as /run/secrets/NAME; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run"' -l 'env' -s 'e' -d 'Environment variable of the agent; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" memory' -l 'memory' -d 'Memory, such as 4G.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" tasks' -l 'tasks' -d 'Processes and threads.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" cpu' -l 'cpu' -d 'Processor time, in percent of one processor: 200%.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" root-size' -l 'root-size' -d 'Size of the root.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" root-inodes' -l 'root-inodes' -d 'Files and directories of the root.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" name' -l 'name' -d 'Name of the sandbox; without it run- and six digits.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" tty' -l 'tty' -d 'Run on a terminal of the sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" i interactive' -l 'interactive' -s 'i' -d 'Forward standard input even when it is a terminal.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" timeout' -l 'timeout' -d 'End the program after so long: 90, 90s, 5m, 1h.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" keep' -l 'keep' -d 'Keep the sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl run" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" t tty' -l 'tty' -s 't' -d 'Run on a terminal of the sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" i interactive' -l 'interactive' -s 'i' -d 'Forward standard input even when it is a terminal.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" u user' -l 'user' -s 'u' -d 'User inside, by name or number.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec"' -l 'env' -s 'e' -d 'Environment variable; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" C directory' -s 'C' -l 'directory' -d 'Working directory inside.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" timeout' -l 'timeout' -d 'End the program after so long: 90, 90s, 5m, 1h.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl exec" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl exec" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" t tty' -l 'tty' -s 't' -d 'Run on a terminal of the sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" i interactive' -l 'interactive' -s 'i' -d 'Forward standard input even when it is a terminal.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" u user' -l 'user' -s 'u' -d 'User inside, by name or number.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell"' -l 'env' -s 'e' -d 'Environment variable; repeatable.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" C directory' -s 'C' -l 'directory' -d 'Working directory inside.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" timeout' -l 'timeout' -d 'End the program after so long: 90, 90s, 5m, 1h.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl shell" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl shell" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl cp" -eq 1' -F
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl cp" -eq 2' -F
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl cp" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl cp" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl reset" timeout' -l 'timeout' -d 'Time to end before it is killed: 10, 10s, 1m; 0 kills at once.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl reset" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl reset" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl reset" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl reset" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl stop" timeout' -l 'timeout' -d 'Time to end before it is killed: 10, 10s, 1m; 0 kills at once.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl stop" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl stop" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl stop" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl stop" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl start" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl start" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl start" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl start" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl restart" timeout' -l 'timeout' -d 'Time to end before it is killed: 10, 10s, 1m; 0 kills at once.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl restart" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl restart" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl restart" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl restart" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl remove" timeout' -l 'timeout' -d 'Time to end before it is killed: 10, 10s, 1m; 0 kills at once.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl remove" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl remove" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl remove" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl remove" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'show' -d 'Show what a sandbox reaches, and what it reached so far.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'allow' -d 'Let a sandbox reach more hosts.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'deny' -d 'Let a sandbox reach hosts no longer.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'set' -d 'Change the network mode of a sandbox.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'refresh' -d 'Look the addresses of direct hosts up again.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'explain' -d 'Tell from the rules in force whether a connection is allowed, and why.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'verify' -d 'Compare the kernel\'s rules with the policy.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network" -eq 1' -fa 'denied' -d 'Show what a sandbox was refused, and what would allow it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network show" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network show" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network show" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network allow" for' -l 'for' -d 'End by itself after this time: 90s, 10m, 2h.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network allow" direct' -l 'direct' -d 'Through the kernel to the addresses of the name, instead of through the gateway.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network allow" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network allow" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network allow" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network deny" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network deny" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network deny" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network set" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network set" -eq 2' -fka 'none restricted full'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network set" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network set" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network refresh" due' -l 'due' -d 'Only those that are due.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network refresh" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network refresh" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network refresh" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network refresh" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network explain" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network explain" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network explain" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network explain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network verify" all' -l 'all' -d 'Every sandbox; of those that must run, all that do.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network verify" -ge 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network verify" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network verify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network denied" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network denied" f follow' -l 'follow' -s 'f' -d 'Go on with what is refused from now on, a line each, until interrupted.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl network denied" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network denied" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl network denied" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl list" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl list" q quiet' -l 'quiet' -s 'q' -d 'Print names only.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl list" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl status" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl status" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl status" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl status" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl logs" f follow' -l 'follow' -s 'f' -d 'Wait for more.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl logs" lines n' -s 'n' -l 'lines' -d 'Only the last lines.' -rfka ''
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl logs" json' -l 'json' -d 'Print each entry as a line of JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl logs" -eq 1' -fka '(sandboxctl list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl logs" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl logs" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template" -eq 1' -fa 'list' -d 'List templates.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template" -eq 1' -fa 'show' -d 'Show a template with every default filled in.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template" -eq 1' -fa 'check' -d 'Check a template file and tell everything that is wrong with it.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template" -eq 1' -fa 'trust' -d 'Accept a template file of a workspace as it is now.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template list" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template list" q quiet' -l 'quiet' -s 'q' -d 'Print names only.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template list" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template list" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template show" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template show" -eq 1' -fka '(sandboxctl template list -q 2>/dev/null)'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template show" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template show" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template check" -eq 1' -fa '(for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.\'toml\';printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template check" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template check" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_positional "sandboxctl template trust" -eq 1' -fa '(for p in (string match -e -- \'*/\' (commandline -t);or printf \n)*.\'toml\';printf %s\n $p;end;__fish_complete_directories (commandline -t) \'\')'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template trust" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl template trust" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl gc" force' -l 'force' -d 'Act; without it nothing is changed.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl gc" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl gc" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl gc" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl doctor" json' -l 'json' -d 'Print JSON.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl doctor" version' -l 'version' -d 'Show the version.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl doctor" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'sandboxctl' -n '__sandboxctl_should_offer_completions_for_flags_or_options "sandboxctl help" version' -l 'version' -d 'Show the version.'
