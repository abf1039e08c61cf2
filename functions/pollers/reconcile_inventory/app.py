"""Every day: compare the resources at the providers with rows and cleanups."""

import math
from typing import Any

from kindling.entry.poller import poller
from kindling.inventory import service
from kindling.platform import clock


@poller
def lambda_handler() -> dict[str, Any]:
    return service.reconcile(lambda: clock.left(math.inf))
