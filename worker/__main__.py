"""``python -m worker`` is ``selfheal``."""

from worker.cli import main

main()
