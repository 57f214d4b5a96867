"""All files of a carrier's tap: two captures, and the flow log of three hours in the carrier's own form."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minewatch.sim.files import write_whole
from minewatch.sim.leases import CARRIERS
from minewatch.sim.wire.capture import Site, capture, file_name, moment, windows
from minewatch.sim.wire.hours import HOURS, log_window, records
from minewatch.sim.wire.logs import eve_lines, netflow5, zeek_logs
from minewatch.sim.wire.packets import write_pcap

LOG_FORMS = dict(zip(CARRIERS, ("zeek", "netflow5", "eve"), strict=True))
"""Form of each carrier's flow logs."""


class Tapped(NamedTuple):
    """Sizes of the files written, bytes, and rows of ``truth_flows``."""

    sizes: list[int]
    truth: list[dict[str, Any]]


def write_tap(site: Site, folder: Path) -> Tapped:
    """Write captures to ``folder``/captures and flow logs to ``folder``/flow_logs."""
    tapped = Tapped([], [])
    for window in windows(site):
        kept = capture(site, window)
        path = folder / "captures" / file_name(site, window)
        tapped.sizes.append(write_whole(path, partial(write_pcap, packets=kept.packets)))
        tapped.truth.extend(kept.truth)
    for hour in HOURS:
        for name, content in _log_files(site, hour).items():
            path = folder / "flow_logs" / name
            tapped.sizes.append(write_whole(path, partial(Path.write_bytes, data=content)))
    return tapped


def _log_files(site: Site, hour: int) -> dict[str, bytes]:
    """Name → content; nothing of an hour without flows."""
    window = log_window(site, hour)
    seen = records(site, window)
    if not seen:
        return {}
    local = moment(window.start_us).astimezone(site.plan.zone)
    stem, form = f"{site.name}-{local:%Y%m%dT%H}", LOG_FORMS[site.carrier]
    if form == "zeek":
        return {f"{kind}.{stem}.log": text.encode() for kind, text in zeek_logs(seen).items()}
    if form == "netflow5":
        return {f"netflow.{stem}.nf5": netflow5(seen)}
    return {f"eve.{stem}.json": eve_lines(seen).encode()}
