"""Every built-in runbook, with what it has to offer."""

from models.target import Commands, Filesystem, HttpProbe, Metrics, Releases, Scaling, Service
from tests.histories.loop_scenes import ended
from tests.histories.studio import Handle, Scene, Studio
from tests.histories.ward import Patient

DISK = Filesystem(mount="/data", logs=("/data/log",), caches=("/data/cache",), aside="/aside")
SCALE = [{"type": "scale", "parameters": {"increment": 2, "max": 10}}]


def shop(name: str, metrics: Metrics | None = None) -> Service:
    """A service that declares everything."""
    return Service(
        name=name,
        commands=Commands(restart=("shop", "restart"), reload=("shop", "reload"), reload_undo=("shop", "unreload")),
        health=HttpProbe(port=8080),
        releases=Releases(directory="/srv/shop/releases", current="/srv/shop/current"),
        scaling=Scaling(read=("shop", "count"), set=("shop", "scale", "{count}")),
        metrics=metrics or Metrics(sample="/buy"),
    )


async def service_restarted(studio: Studio) -> Handle:
    """A reload does not help and is undone; a restart does."""
    return await ended(await studio.treat("ServiceUnhealthy", shop("restarted"), Patient(cure="restart")))


async def service_returned(studio: Studio) -> Handle:
    """Only the release before helps."""
    return await ended(await studio.treat("ServiceUnhealthy", shop("returned"), Patient(cure="release 1")))


async def service_stopped_on_purpose(studio: Studio) -> Handle:
    """Somebody switched it off."""
    return await ended(await studio.treat("ServiceUnhealthy", shop("stopped"), Patient(stopped=True)))


async def release_sampled(studio: Studio) -> Handle:
    """A bad release, seen by asking the service, goes back."""
    return await ended(await studio.treat("BadRelease", shop("sampled"), Patient(cure="release 1")))


async def release_by_prometheus(studio: Studio) -> Handle:
    """A bad release, seen by Prometheus, goes back once a person approves."""
    service = shop("measured", Metrics(prometheus="http://prometheus:9090", error_rate="errors"))
    handle = await studio.treat("BadRelease", service, Patient(cure="release 1"), autonomy="approve")
    await studio.decide(handle, approved=True)
    return await ended(handle)


async def release_not_to_blame(studio: Studio) -> Handle:
    """The release before is no better, so the live one comes back."""
    return await ended(await studio.treat("BadRelease", shop("blameless"), Patient()))


async def disk_logs(studio: Studio) -> Handle:
    """Packing logs makes room enough."""
    return await ended(await studio.treat("DiskFilling", DISK, Patient(cure="compress")))


async def disk_nothing_helps(studio: Studio) -> Handle:
    """Logs, caches and both together make no room, and all is put back."""
    return await ended(await studio.treat("DiskFilling", DISK, Patient()))


async def scaled(studio: Studio) -> Handle:
    """More instances, and the alert ends."""
    verify = {"within": "1h", "settle": "0s", "every": "200ms"}
    handle = await studio.treat(
        "ThresholdCrossed", shop("scaled"), Patient(cure="scale 5"), actions=SCALE, verify=verify
    )
    await studio.reaches(handle, "verifying")
    await handle.signal("alert", studio.fired("resolved"))
    return await ended(handle)


async def scaled_back(studio: Studio) -> Handle:
    """The alert goes on, and a person takes the instances back."""
    handle = await studio.treat("ThresholdCrossed", shop("scaled-back"), Patient(cure="scale 5"), actions=SCALE)
    await studio.decide(handle, approved=False)
    return await ended(handle)


SCENES: tuple[Scene, ...] = (
    service_restarted,
    service_returned,
    service_stopped_on_purpose,
    release_sampled,
    release_by_prometheus,
    release_not_to_blame,
    disk_logs,
    disk_nothing_helps,
    scaled,
    scaled_back,
)
