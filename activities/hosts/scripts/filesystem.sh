# filesystem.sh MOUNT ASIDE PAUSE COUNT LOGS… CACHES…: prints what is known about a file system. Changes nothing.
mount=$1 aside=$2 pause=$3 logs=$4
shift 4
root=$(cd -P -- "$mount" && pwd -P) || exit 65

now() { cut -d ' ' -f 1 /proc/uptime; }

within() {
	[ -d "$1" ] && real=$(readlink -f -- "$1") || return 1
	case $real in
	"${root%/}"/*) [ "$(stat -c %d -- "$real")" = "$(stat -c %d -- "$root")" ] ;;
	*) return 1 ;;
	esac
}

# sample NUMBER FOLDER…: when, and how much is where. A walk that takes longer than its time shows what it has seen.
sample() {
	number=$1
	shift
	printf 'at\t%s\t%s\n' "$number" "$(now)"
	{
		timeout 15 du -akx -d 1 -- "$root" 2>/dev/null | sort -rn | head -n 30
		for folder; do
			within "$folder" && timeout 15 du -skx -- "$folder" 2>/dev/null
		done
	} | sed "s/^/size	$number	/"
}

printf 'root\t%s\n' "$root"
df -P -B1 -- "$mount" | sed -n '2s/^/space	/p'
sample 1 "$@"
first=$(now)

# The device and number of every file that any process has open, as far as we may see.
opened() { find /proc/[0-9]*/fd -type l -exec stat -L -c '%d:%i' -- {} + 2>/dev/null | sort -u | sed 's/^/open	/'; }
rotated() {
	count=0
	for folder; do
		[ "$count" -lt "$logs" ] || break
		count=$((count + 1))
		within "$folder" || continue
		find "$folder/" -xdev -type f -links 1 -size +0 -name '*[.-][0-9]*' ! -name '*
*' -exec stat -c 'log	%s	%d:%i	%n' -- {} + 2>/dev/null
	done
}
{
	opened
	rotated "$@" | grep -vE '\.(gz|xz|zst|bz2|lz4)$'
} | awk -F '\t' '$1 == "open" { seen[$2] = 1; next } !($3 in seen)' | sort -t "$(printf '\t')" -k 2,2rn | head -n 200

number=0
for folder; do
	number=$((number + 1))
	[ "$number" -gt "$logs" ] && within "$folder" &&
		printf 'cache\t%s\t%s\n' "$(timeout 30 du -skx -- "$folder" 2>/dev/null | cut -f 1)" "$folder"
done

if [ -n "$aside" ]; then
	near=$aside
	while ! [ -d "$near" ]; do
		near=${near%/*}
		near=${near:-/}
	done
	df -P -B1 -- "$near" | sed -n '2s/^/aside	/p'
	[ "$(stat -c %d -- "$near")" != "$(stat -c %d -- "$root")" ] && echo elsewhere
fi

# The rest of the pause that the work above left over.
sleep "$(awk -v first="$first" -v now="$(now)" -v pause="$pause" \
	'BEGIN { left = pause - (now - first); print (left > 0 ? left : 0) }')" 2>/dev/null || sleep "$pause"
sample 2 "$@"
exit 0
