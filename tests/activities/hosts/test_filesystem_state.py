import pytest

from activities.hosts.filesystem_state import Aside, Cache, Growth, RotatedLog, filesystem_state, rotated
from models.errors import GiveUpError
from models.target import Filesystem

DATA = Filesystem(mount="/data", logs=("/data/logs",), caches=("/data/cache",), aside="/spare")
SPACE = "root\t/data\nspace\t/dev/sdb1 1000 850 50 95% /data\n"


@pytest.mark.parametrize(
    "name",
    [
        "app.log.1",
        "app.log.12",
        "app.log-20260101",
        "app.log-20260101-1200",
        "app.log.2026-01-01",
        "app.log.2026-01-01-13",
        "access_log-20260101",
        "syslog.1",
        "messages-20260101",
        "mail.err.2",
        "catalina.out.3",
    ],
)
def test_rotated_logs_have_known_names(name: str) -> None:
    """The names that logrotate and logging libraries give."""
    assert rotated(f"/data/logs/{name}")


@pytest.mark.parametrize(
    "name",
    [
        "app.log",
        "app.log.1.gz",
        "app.log-20260101.xz",
        "app.log.zst",
        "app.log.old",
        "syslog",
        "libz.so.1",
        "data.1",
        "app.log.1/x",
        "app-2026.log",
        "app.log.1234567",
    ],
)
def test_other_names_are_no_rotated_logs(name: str) -> None:
    """The live log, what is packed already, and what is no log at all."""
    assert not rotated(f"/data/logs/{name}")


def test_the_share_does_not_count_what_is_reserved() -> None:
    """What only root can fill is neither used nor available: 850 of 900 are used, not of 1000."""
    state = filesystem_state(DATA, SPACE)
    assert (state.size, state.used, state.available, state.mounted) == (1000, 850, 50, True)
    assert state.used_share == pytest.approx(850 / 900)


def test_a_device_with_blanks_in_its_name() -> None:
    """A Windows share's name does not shift the columns."""
    printed = "root\t/data\nspace\t//nas/my share/x 1000 850 50 95% /data\n"
    assert filesystem_state(DATA, printed).used == 850


def test_a_folder_where_nothing_is_mounted_is_told() -> None:
    """The numbers of the file system around it are not taken for its own."""
    assert not filesystem_state(DATA, "root\t/data\nspace\t/dev/sda1 1000 850 50 95% /\n").mounted


def test_a_full_file_system_has_no_negative_room() -> None:
    """Where root writes into the reserve, df counts below zero."""
    assert filesystem_state(DATA, "root\t/data\nspace\t/dev/sdb1 1000 990 -40 105% /data\n").used_share == 1


def test_no_answer_of_df_is_an_error() -> None:
    """A mount that is not there is a mistake in the policy file."""
    with pytest.raises(GiveUpError, match="correct mount"):
        filesystem_state(DATA, "root\t/data\n")


def test_what_can_be_packed_and_moved() -> None:
    """Logs by their names, caches in bytes, and whether aside makes room at all."""
    printed = SPACE + (
        "log\t900\t8:1\t/data/logs//app.log.1\nlog\t800\t8:2\t/data/logs/libz.so.1\n"
        "cache\t4\t/data/cache\ncache\t\t/data/gone\naside\t/dev/sdc1 9 1 8 1% /spare\nelsewhere\n"
    )
    state = filesystem_state(DATA, printed)
    assert (RotatedLog(path="/data/logs/app.log.1", bytes=900),) == state.logs
    assert (Cache(path="/data/cache", bytes=4096),) == state.caches
    assert Aside(path="/spare", available=8, elsewhere=True) == state.aside


def test_growth_is_a_rate_largest_first() -> None:
    """Only what grew, by the time between both samples; the whole mount is not among it."""
    printed = SPACE + (
        "at\t1\t100.0\nsize\t1\t10\t/data\nsize\t1\t4\t/data/a\nsize\t1\t4\t/data/b\nsize\t1\t2\t/data/logs\n"
        "at\t2\t104.0\nsize\t2\t99\t/data\nsize\t2\t8\t/data/a\nsize\t2\t4\t/data/b\nsize\t2\t10\t/data/logs\n"
        "size\t2\t70\t/data/new\n"
    )
    expected = (
        Growth(path="/data/logs", bytes=10240, per_second=2048.0),
        Growth(path="/data/a", bytes=8192, per_second=1024.0),
    )
    assert expected == filesystem_state(DATA, printed).growth
