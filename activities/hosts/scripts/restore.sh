# restore.sh MOUNT: unpacks logs that `compress` packed. What was never packed, or is unpacked already, is left alone.
lock "$1"
root=$(cd -P -- "$1" && pwd -P) || refuse "$1 is not there"

restore() (
	come_to "$1" "$2"
	packed=$name.gz
	if ! exists "$packed"; then
		[ -f "$name" ] && finish 0
		skip 'it is gone'
	fi
	[ -f "$packed" ] && ! [ -L "$packed" ] || skip "$packed is no plain file"
	if exists "$name"; then
		[ -f "$name" ] && ! [ -L "$name" ] || skip "$name is in the way"
		case $(compare "$packed" "$name") in
		same) ;;
		begun) rm -f -- "$name" ;;
		*) skip "$name is a newer file" ;;
		esac
	fi
	if ! exists "$name"; then
		complaint=$(gzip -dk -- "$packed" 2>&1) || {
			rm -f -- "$name"
			fail "$complaint"
		}
	fi
	[ "$(compare "$packed" "$name")" = same ] || fail "$name is not what $packed holds"
	sync "$name" 2>/dev/null || sync
	used=$(($(size "$name") - $(size "$packed")))
	rm -f -- "$packed" || fail "$packed may not be removed"
	finish "$used"
)

while IFS=$tab read -r index folder file; do
	restore "$folder" "$file" </dev/null
done
