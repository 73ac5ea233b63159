# compress.sh MOUNT: packs rotated logs, the smallest first, as each makes room for the next.
lock "$1"
root=$(cd -P -- "$1" && pwd -P) || refuse "$1 is not there"
opened=$(find /proc/[0-9]*/fd -type l -exec stat -L -c '%d:%i' -- {} + 2>/dev/null | sort -u)

compress() (
	come_to "$1" "$2"
	packed=$name.gz
	if ! exists "$name"; then
		[ -f "$packed" ] && finish 0
		skip 'it is gone'
	fi
	[ -f "$name" ] && ! [ -L "$name" ] || skip 'it is no plain file'
	[ "$(stat -c %h -- "$name")" = 1 ] || skip 'it has a second name, so packing it frees nothing'
	printf '%s\n' "$opened" | grep -qFx "$(stat -c '%d:%i' -- "$name")" && skip 'a process has it open'
	before=$(stat -c '%d:%i:%s:%Y' -- "$name")
	if exists "$packed"; then
		[ -f "$packed" ] && ! [ -L "$packed" ] || skip "$packed is in the way"
		case $(compare "$packed" "$name") in
		same) ;;
		cut) rm -f -- "$packed" ;;
		*) skip "$packed holds something else" ;;
		esac
	fi
	if ! exists "$packed"; then
		complaint=$(gzip -k -- "$name" 2>&1) || {
			rm -f -- "$packed"
			skip "$complaint"
		}
	fi
	if [ "$(compare "$packed" "$name")" != same ] || [ "$(stat -c '%d:%i:%s:%Y' -- "$name")" != "$before" ]; then
		rm -f -- "$packed"
		skip 'it changed while it was packed'
	fi
	sync "$packed" 2>/dev/null || sync
	freed=$(($(size "$name") - $(size "$packed")))
	rm -f -- "$name" || skip 'it may not be removed'
	finish "$freed"
)

while IFS=$tab read -r index folder file; do
	printf '%s\t%s\t%s\t%s\n' "$(size "$file" 2>/dev/null || echo 0)" "$index" "$folder" "$file"
done | sort -n | while IFS=$tab read -r bytes index folder file; do
	compress "$folder" "$file" </dev/null
done
