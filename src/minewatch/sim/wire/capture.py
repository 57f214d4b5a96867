"""Which captures a county has, and their packets: a site per partition and carrier, two short windows.

The carriers record in the last whole week of the period: ten minutes of a working day and ten minutes of a
night. In a large county only some partitions have a tap.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from minewatch.schema.calendar import is_workday
from minewatch.sim.addresses import web_server
from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.leases import CARRIERS, Line
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.streams import stream
from minewatch.sim.wire.drawn import Drawn
from minewatch.sim.wire.innocents import look_up, mistaken_flows, ordinary_flows
from minewatch.sim.wire.miners import Flow, Speaker, Window, infected_flows, mine_flows
from minewatch.sim.wire.packets import Frame, Side, attempt, frames

WINDOW_MINUTES = 10
_MOST_SITES = 100
_SLUGS = dict(zip(CARRIERS, ("tianshu", "yaoguang", "kaiyang"), strict=True))


class Site(NamedTuple):
    """A carrier's tap in one partition: who is on its lines, and what each mine draws over time.

    ``drawn`` is by usage point, or plant for a mine on a private line.
    """

    plan: CountyPlan
    number: int
    carrier: str
    customers: tuple[Customer, ...]
    lines: Mapping[int, Line]
    drawn: Mapping[str, Drawn]

    @property
    def name(self) -> str:
        """Name of the site in files."""
        return f"{_SLUGS[self.carrier]}-{self.number:05d}"

    def midnight_us(self, day: date) -> int:
        """Return the start of a local day, microseconds since the epoch."""
        return int(datetime.combine(day, datetime.min.time(), self.plan.zone).timestamp()) * 1_000_000


def has_tap(plan: CountyPlan, number: int) -> bool:
    """Tell whether carriers record in partition ``number``; at most about 100 do."""
    return number % max(plan.partitions // _MOST_SITES, 1) == 0


def week_of_captures(plan: CountyPlan) -> tuple[date, date]:
    """Return the days (first, last + 1) of the last whole week of the period, or its last days."""
    end = plan.end_on - timedelta(days=plan.end_on.weekday())
    first = max(end - timedelta(days=7), plan.start_on)
    return (first, end) if first < end else (plan.start_on, plan.end_on)


def windows(site: Site) -> list[Window]:
    """Return the two windows in which the tap keeps packets."""
    first, end = week_of_captures(site.plan)
    rng = stream(site.plan.seed, site.number, site.carrier, "windows")
    days = [first + timedelta(days=n) for n in range((end - first).days)]
    work = [day for day in days if is_workday(day)] or days
    minutes = (int(rng.integers(9 * 6, 17 * 6)) * 10, int(rng.integers(0, 5 * 6)) * 10)
    chosen = (work[int(rng.integers(len(work)))], days[int(rng.integers(len(days)))])
    starts = [site.midnight_us(day) + m * 60_000_000 for day, m in zip(chosen, minutes, strict=True)]
    return [Window(start, start + WINDOW_MINUTES * 60_000_000) for start in starts]


def speakers(site: Site, at: datetime) -> Iterator[Speaker]:
    """Yield who is on the carrier's lines at ``at`` with the outer address and ports."""
    for customer in site.customers:
        line = site.lines.get(customer.number)
        stay = line.at(at) if line is not None and line.carrier == site.carrier else None
        if stay is not None:
            inside = stay.hops[-2] if len(stay.hops) > 1 else stay.hops[0]
            yield Speaker(customer, stay.hops[0].ip, inside.port_low, inside.port_high)


def drawn_at(site: Site, subject_id: str, at: datetime) -> float:
    """Return the share of the fleet's rated power that the mine of ``subject_id`` draws at ``at``."""
    if subject_id not in site.drawn:
        return 0.0
    drawn = site.drawn[subject_id]
    start = datetime.combine(site.plan.start_on, datetime.min.time(), site.plan.zone)
    index = int((at - start).total_seconds() // (60 * drawn.minutes))
    return float(drawn.share[index]) if 0 <= index < drawn.share.size else 0.0


def share_on_at(site: Site, at: datetime) -> float:
    """Return the share of office computers that are on."""
    local = at.astimezone(site.plan.zone)
    return 0.85 if is_workday(local.date()) and 8 <= local.hour < 18 else 0.25


def flows_of(site: Site, window: Window) -> list[Flow]:
    """Return all conversations in the capture of one window."""
    seed, at = site.plan.seed, moment(window.start_us + (window.end_us - window.start_us) // 2)
    share_on = share_on_at(site, at)
    flows: list[Flow] = []
    for speaker in speakers(site, at):
        subject = speaker.customer.usage_point_id
        flows += mine_flows(seed, speaker, drawn_at(site, subject, at), window)
        if speaker.customer.infected:
            flows += infected_flows(seed, speaker, share_on, window)
        flows += mistaken_flows(seed, speaker, window)
        if stream(seed, "sampled", subject, window.start_us).random() < 0.06:
            flows += ordinary_flows(seed, speaker, window)
    return [flow for flow in flows if flow.talk.messages]


class Captured(NamedTuple):
    """Packets of one window and the rows of ``truth_flows`` about them."""

    packets: list[Frame]
    truth: list[dict[str, Any]]


def capture(site: Site, window: Window) -> Captured:
    """Return what the tap keeps of one window."""
    rng = stream(site.plan.seed, site.name, window.start_us, "packets")
    flows = flows_of(site, window)
    asked = [look_up(rng, flow, int(rng.integers(20_000, 60_000))) for flow in _named(flows)]
    packets = [frame for flow in chain(asked, flows) for frame in frames(rng, flow.talk, flow.rtt_us)]
    packets += _scan(site, rng, window)
    kept = [frame for frame in packets if window.start_us <= frame.at_us < window.end_us]
    name = file_name(site, window)
    return Captured(kept, [_truth_row(site, name, flow) for flow in flows if flow.deed.purpose != "ordinary"])


def file_name(site: Site, window: Window) -> str:
    """Return the name of a window's pcap file, with its local start."""
    local = moment(window.start_us).astimezone(site.plan.zone)
    return f"{site.name}-{local:%Y%m%dT%H%M}.pcap"


def moment(at_us: int) -> datetime:
    """Return microseconds since the epoch as a time."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)


def _named(flows: list[Flow]) -> Iterator[Flow]:
    """Flows whose start and name look-up are in the capture."""
    return (flow for flow in flows if flow.server_name and flow.talk.opened)


def _scan(site: Site, rng: Rng, window: Window) -> Iterator[Frame]:
    """Somebody outside tries ports of miners and nodes on many addresses."""
    scanner = web_server(int(rng.integers(506)))
    targets = [speaker.ip for speaker in speakers(site, moment(window.start_us))]
    for _ in range(min(30, len(targets))):
        target = Side(
            targets[int(rng.integers(len(targets)))], int(rng.choice((3333, 4444, 8332, 8333, 14444)))
        )
        at = int(rng.uniform(window.start_us, window.end_us - 1e6))
        yield from attempt(rng, Side(scanner, int(rng.integers(30_000, 60_000))), target, at)


def _truth_row(site: Site, file_name: str, flow: Flow) -> dict[str, Any]:
    talk, deed = flow.talk, flow.deed
    return {
        "capture": file_name,
        "carrier": site.carrier,
        "client_ip": talk.client.ip,
        "client_port": talk.client.port,
        "server_ip": talk.server.ip,
        "server_port": talk.server.port,
        "protocol": talk.protocol,
        "first_at": moment(talk.messages[0].at_us),
        "last_at": moment(talk.messages[-1].at_us),
        **deed._asdict(),
    }
