# What compressing and restoring logs share. They read lines `INDEX<tab>FOLDER<tab>FILE`, where FOLDER is declared and
# FILE lies in it, and print `done<tab>BYTES<tab>INDEX`, or `skipped<tab>REASON<tab>INDEX`, or the same with `failed`.
tab=$(printf '\t')

finish() {
	printf 'done\t%s\t%s\n' "$1" "$index"
	exit 0
}

report() {
	printf '%s\t%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\n\t' '  ')" "$index"
	exit 0
}
skip() { report skipped "$*"; }
fail() { report failed "$*"; }

# come_to FOLDER FILE: goes to where the file is, and leaves its name in `name`.
come_to() {
	enter "$1" "$root" || skip "$1 is not on $root"
	enter "${2%/*}" "$here" || skip "it does not lie in $1"
	name=./${2##*/}
}

# compare PACKED PLAIN: `same`, `begun` if PLAIN is only the beginning, `cut` if PACKED is, `other` otherwise.
compare() {
	if gzip -t -- "$1" 2>/dev/null; then
		said=$(gzip -dc -- "$1" | cmp - "$2" 2>&1) && echo same && return
		case $said in
		*"EOF on $2"*) echo begun ;;
		*) echo other ;;
		esac
	else
		said=$(gzip -dc -- "$1" 2>/dev/null | cmp - "$2" 2>&1) && echo cut && return
		case $said in
		*'EOF on -'*) echo cut ;;
		*) echo other ;;
		esac
	fi
}

size() { stat -c %s -- "$1"; }
