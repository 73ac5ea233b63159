# What the scripts that change files share. Exit code 65 means: refused, and nothing was changed by that.
refuse() {
	printf '%s\n' "$*" >&2
	exit 65
}

# lock MOUNT: one change of a file system at a time. An earlier try may still run, as nothing ends it when its
# connection is cut; its lock ends with it, however that is. Whoever waits writes to its caller, as nothing else tells it
# that nobody listens any more: it must not get its turn when the change was long since undone.
lock() {
	exec 9<"$1" || refuse "$1 cannot be read"
	until flock -n 9; do
		sleep 1
		echo >&2
	done
}

# enter FOLDER ROOT: goes into a folder, if it truly lies in the root, through whatever links, and on its file system.
# From then on only names in the folder are used: what happens to the path above it cannot lead out.
enter() {
	cd -P -- "$1" 2>/dev/null || return 1
	here=$(pwd -P)
	case $here/ in
	"${2%/}"/*) ;;
	*) return 1 ;;
	esac
	[ "$(stat -c %d .)" = "$(stat -c %d -- "$2")" ]
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }
