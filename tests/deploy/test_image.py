"""deploy/Dockerfile and .dockerignore: what is copied is there, and the image is what compose takes it for."""

import re
import subprocess
import tomllib

import pytest

from tests.deploy.compose import OURS, ROOT, in_context, instructions, read_compose
from worker.settings import Settings

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
STEPS = list(instructions(DOCKERFILE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def steps(name: str) -> list[str]:
    """The arguments of each instruction of that name."""
    return [arguments for instruction, arguments in STEPS if instruction == name]


def environment() -> dict[str, str]:
    """The variables of the final image."""
    return dict(re.findall(r"(\w+)=(\S+)", steps("ENV")[-1]))


def committed() -> list[str]:
    """Every file that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


def test_bases_are_pinned() -> None:
    """Both stages begin with the same Python, pinned to a patch and a Debian release, that the package supports."""
    bases = {arguments.split()[0] for arguments in steps("FROM")}

    assert len(bases) == 1
    found = re.fullmatch(r"python:(\d+)\.(\d+)\.\d+-slim-[a-z]+", bases.pop())
    assert found
    assert (int(found[1]), int(found[2])) >= (3, 11)


def test_copies_are_in_the_context() -> None:
    """Each source of a COPY exists and is sent to the build, or comes from the stage before."""
    for arguments in steps("COPY"):
        *sources, _ = [word for word in arguments.split() if not word.startswith("--")]
        for source in sources:
            if "--from=build" in arguments:
                assert any(source in step for step in steps("RUN"))
            elif source != ".":
                assert in_context(source)
                assert (ROOT / source).exists()


def test_context_is_what_the_package_needs() -> None:
    """What is sent to the build is the packages and what their wheel is made of: no tests, no history, no secrets."""
    sent = {path for path in committed() if in_context(path)}
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])

    alone = {"requirements.lock", "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"}
    assert {path.partition("/")[0] for path in sent} == packages | alone
    assert {path for path in committed() if path.partition("/")[0] in packages} <= sent


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("worker/cli/app.py", True),
        ("worker/cli/templates/runbook.py.txt", True),
        ("worker/__pycache__/process.cpython-311.pyc", False),
        ("deploy/secrets/postgres_password", False),
        (".git/config", False),
        (".venv/bin/python", False),
        ("tests/conftest.py", False),
        ("models.py", False),
    ],
)
def test_context(path: str, there: bool) -> None:  # noqa: FBT001 - a column of the table
    """What is sent to the build and what is not."""
    assert in_context(path) is there


def test_installs_what_the_lock_file_says() -> None:
    """Packages come from the lock file by hash; all that is installed later is from what that fetched."""
    installs = [step for step in " && ".join(steps("RUN")).split("&&") if re.search(r"pip\b.* (install|wheel) ", step)]

    assert "--require-hashes --requirement requirements.lock" in installs[0]
    assert [step for step in installs[1:] if "--no-index" not in step] == []
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^hatchling==", locked, re.MULTILINE)
    assert not re.search(r"^--|://", locked, re.MULTILINE)


def test_entry_point() -> None:
    """The image runs the package's own command, from the folder that is on its PATH."""
    assert steps("ENTRYPOINT") == ['["selfheal"]']
    assert "selfheal" in PROJECT["project"]["scripts"]
    assert environment()["PATH"].startswith("/opt/selfheal/bin:")


def test_runs_as_nobody_special() -> None:
    """The image runs as a user with a number of its own, which owns the folder of its state."""
    user, _, group = steps("USER")[-1].partition(":")

    made = steps("RUN")[-1]
    assert user == group != "0"
    assert f"--uid {user}" in made
    assert f"--mode 700 {environment()['HOME']}" in made


def test_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateway and worker keep their state in a volume; the folder is also the home, where marks of changes are kept."""
    monkeypatch.setenv("SELFHEAL_STATE_DIR", environment()["SELFHEAL_STATE_DIR"])
    folder = str(Settings().state_dir)

    assert folder == environment()["HOME"] == steps("WORKDIR")[-1]
    for name in OURS:
        assert folder in {mount.target for mount in read_compose().services[name].mounts if not mount.is_file}


def test_exposed_port() -> None:
    """The port that the image declares is the gateway's."""
    assert steps("EXPOSE") == [str(Settings.model_fields["gateway_port"].default)]


def test_variables() -> None:
    """Each variable of ours in the image is a setting."""
    ours = {name.removeprefix("SELFHEAL_").lower() for name in environment() if name.startswith("SELFHEAL_")}

    assert ours <= set(Settings.model_fields)


def test_scripts_can_be_read() -> None:
    """Each shell script of deploy has no mistake that a shell finds by reading."""
    scripts = list((ROOT / "deploy").rglob("*.sh"))

    assert len(scripts) == 3
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)
