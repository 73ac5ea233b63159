# What the scripts that look at a mark share.
find_mark() {
	case $1 in
	/*) marks=$1 ;;
	*) marks=${HOME:?}/$1 ;;
	esac
	mark=$marks/$2
}

# Whether the process that claimed the mark still runs: its number may be another's by now, its time of birth is not.
runs() {
	read -r pid born boot 2>/dev/null <"$mark/claim" || return 1
	[ "$boot" = "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" ] || return 1
	read -r stat 2>/dev/null <"/proc/$pid/stat" || return 1
	set -- ${stat##*) }
	[ "$1" != Z ] && [ "$1" != X ] && [ "${20}" = "$born" ]
}
