"""Services as their owners declare them, more and less of it."""

from models.target import Commands, HttpProbe, Metrics, Releases, Scaling, Service

RELEASES = Releases(directory="/srv/shop/releases", current="/srv/shop/current")
PROBE = HttpProbe(port=8080)

FULL = Service(
    name="shop",
    commands=Commands(restart=("shop", "restart"), reload=("shop", "reload"), reload_undo=("shop", "unreload")),
    health=PROBE,
    releases=RELEASES,
    scaling=Scaling(read=("shop", "count"), set=("shop", "scale", "{count}"), min=1, max=10),
    metrics=Metrics(sample="/buy"),
)
UNIT = Service(name="shop", unit="shop.service")
RESTART_ONLY = Service(name="shop", health=PROBE, commands=Commands(restart=("shop", "restart")))
RELOAD_ONLY = Service(name="shop", health=PROBE, commands=Commands(reload=("shop", "reload")))
SEEN_ONLY = Service(name="shop", health=PROBE, releases=RELEASES)
