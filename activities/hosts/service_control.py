"""How a service is asked and driven, whichever activity wants it."""

from contextlib import suppress
from datetime import timedelta
from pathlib import PurePosixPath

from activities.hosts.once import run_once
from activities.hosts.scripts import script
from activities.hosts.service_state import FoundReleases
from activities.hosts.shell import Beat, Ran, Shell, as_root, behind_sudo, expected
from models.errors import GiveUpError, NotAllowedError
from models.target import Releases, Service

_READ = script("service")
_READ_TIME = timedelta(seconds=20)
_BRIEF = timedelta(seconds=30)


def ask(shell: Shell, service: Service, beat: Beat) -> str:
    """What the script ``service`` prints about all that is declared. Only the declared commands need sudo."""
    host, releases = service.host, service.releases
    status = as_root(host, service.commands.status) if service.commands.status else ()
    count = as_root(host, service.scaling.read) if service.scaling else ()
    folder, current = (releases.directory, releases.current) if releases else ("", "")
    words = (service.unit or "", folder, current, str(len(status)), *status, str(len(count)), *count)
    ran = _print(shell, service, words, beat)
    if host.become:
        for name, command in (("status", status), ("counted", count)):
            if f"{name}=1\n" in ran.out:
                behind_sudo(host, command[3:], Ran(code=1, err=ran.err))
    return ran.out


def ask_releases(shell: Shell, service: Service, releases: Releases, beat: Beat) -> str:
    """Likewise about its releases alone."""
    return _print(shell, service, ("", releases.directory, releases.current, "0", "0"), beat).out


def command(service: Service, verb: str) -> tuple[str, ...]:
    """How the service is told to restart, reload or reload_undo.

    Raises:
        GiveUpError: it declares no way to.
    """
    argv = service.command(verb)
    if argv is None:
        unit = "" if verb == "reload_undo" else " or unit"
        raise GiveUpError(f"service {service.name!r} declares no {verb}: add commands.{verb}{unit} to it")
    return argv


def restart(shell: Shell, service: Service, key: str, beat: Beat) -> Ran:
    """Restart it, once for the key.

    Raises:
        GiveUpError: it declares no way to, or the command fails.
        UnknownEffectError: an earlier try began it and did not come to its end.
    """
    argv = command(service, "restart")
    if service.unit and not service.commands.restart:
        # A unit that failed too often is not started by a restart until its count is reset; where that is not
        # allowed the restart itself will say whether it mattered.
        with suppress(NotAllowedError):
            shell.run(("systemctl", "reset-failed", "--", service.unit), timeout=_BRIEF, beat=beat)
    return expected(service.host, argv, run_once(shell, service.host, key, argv, beat=beat))


def link_release(shell: Shell, service: Service, found: FoundReleases, release: str, *, key: str, beat: Beat) -> None:
    """Make the link lead to a release, in one rename, once for the key.

    Raises:
        GiveUpError: something that is no link is in its place, or it cannot be replaced.
    """
    if found.link == "":
        raise GiveUpError(
            f"{found.declared.current!r} on host {service.place!r} is no symbolic link: make it one to the live release"
        )
    current = PurePosixPath(found.declared.current)
    target = PurePosixPath(found.declared.directory) / release
    if found.link and found.live and PurePosixPath(found.link).name == found.live:
        target = PurePosixPath(found.link).with_name(release)  # a relative link stays relative
    beside = str(current.with_name(f".{current.name}.selfheal"))
    link = ("ln", "-sfn", "--", str(target), beside)
    expected(service.host, link, shell.run(link, timeout=_BRIEF, beat=beat))
    # Once for the key: a try that Temporal gave up may come here late, when the release was already taken back.
    rename = ("mv", "-T", "--", beside, str(current))
    expected(service.host, rename, run_once(shell, service.host, key, rename, timeout=_BRIEF, beat=beat))


def _print(shell: Shell, service: Service, words: tuple[str, ...], beat: Beat) -> Ran:
    argv = ("sh", "-c", _READ, "selfheal", *words)
    return expected(service.host, argv, shell.run(argv, timeout=_READ_TIME, beat=beat, become=False))
