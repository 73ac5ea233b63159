# service.sh UNIT RELEASES CURRENT COUNT STATUS… COUNT SCALE…
# Prints `name=value` lines about a service; an empty word or a count of 0 leaves a part out. Changes nothing.

# first COUNT WORD…: runs the first COUNT of the words.
first() {
	count=$1
	shift
	extra=$(($# - count))
	while [ "$count" -gt 0 ]; do
		set -- "$@" "$1"
		shift
		count=$((count - 1))
	done
	shift "$extra"
	"$@"
}

releases() {
	cd -- "$1" || return
	echo "directory=$(pwd -P)"
	set --
	for name in *; do
		case $name in
		*'
'*) continue ;;
		esac
		[ -d "$name" ] && ! [ -L "$name" ] && set -- "$@" "./$name"
	done
	[ $# -eq 0 ] || TZ=UTC stat -c 'release=%w|%y|%n' -- "$@"
}

unit=$1 folder=$2 current=$3
shift 3

if [ "$1" -gt 0 ]; then
	first "$@" </dev/null >/dev/null
	echo "status=$?"
fi
shift "$1"
shift
if [ "$1" -gt 0 ]; then
	said=$(first "$@" </dev/null)
	echo "counted=$?"
	echo "count=$said" | head -n 1
fi
if [ -n "$unit" ]; then
	systemctl show -p Id,LoadState,ActiveState,SubState,Result,ExecMainStatus,NRestarts,MainPID,UnitFileState -- "$unit" |
		sed 's/^/unit./'
fi
if [ -n "$folder" ]; then
	releases "$folder"
	if [ -L "$current" ]; then
		stat -c 'linked=%Y' -- "$current"
		echo "link=$(readlink -- "$current")"
		echo "live=$(readlink -f -- "$current")"
	elif [ -e "$current" ]; then
		echo 'link='
	fi
fi
exit 0
