# Completion of tend in bash. It needs nothing but bash: bash-completion is often not there where one is not root.
_tend() {
	local line=${COMP_LINE:0:COMP_POINT} words=() found directive current kept rest candidate
	IFS=$' \t\n' read -a words <<<"$line" # without -r, so that a\ b is one word
	case $line in *[[:space:]]) words+=("") ;; esac
	found=$("${words[0]/#\~\//$HOME/}" __complete "${words[@]:1}" 2>/dev/null) || return
	directive=${found##*:}
	found=${found%:*}

	# Of a word with one of = : @ in it bash replaces only the end, and @ is part of that.
	current=${words[${#words[@]} - 1]}
	case $current in --*=*) current=${current#*=} ;; esac # the value of an option
	kept=${current%"${current##*[=:]}"}
	rest=${current#"$kept"}
	case $rest in *@*) kept+=${rest%@*} ;; esac

	COMPREPLY=()
	while IFS= read -r candidate; do
		candidate=${candidate%%$'\t'*} # without its description
		case $candidate in
		"") continue ;;
		"$current"*) candidate=${candidate#"$kept"} ;;
		*) continue ;;
		esac
		case $candidate in *[!A-Za-z0-9_@%+=:,./-]*) candidate=$(printf %q "$candidate") ;; esac
		COMPREPLY+=("$candidate")
	done <<<"$found"
	if ((directive & 2)); then compopt -o nospace; fi
	if ((${#COMPREPLY[@]} > 0)); then return; fi
	if ((directive & 16)); then
		compopt -o dirnames
	elif ((!(directive & 4))); then
		compopt -o default
	fi
} 2>/dev/null
complete -F _tend tend
