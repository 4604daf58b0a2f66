# Completion of `@NAME@` for fish: what may be typed is asked of the program itself.
function __@WORD@_words
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    for line in ($words[1] completion words $words[2..-1] "$last" 2>/dev/null)
        switch $line
            case @files
                __fish_complete_path "$last"
            case @folders
                __fish_complete_directories "$last" ''
            case '*'
                echo $line
        end
    end
end
complete -c @NAME@ -f -a '(__@WORD@_words)'
