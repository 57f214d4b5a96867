"""What a finding says of its site, as fields of the register; and the traffic that was seen."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from minewatch.office.register.models import Site
from minewatch.office.register.services import SightingGiven

Row = Mapping[str, Any]

_WEEK = timedelta(days=7)
_KINDS = {"passive_victim": Site.Kind.VICTIM}
_PHASES = {"under_construction": Site.Phase.CONSTRUCTION}
_SAME = ("power_kw", "posterior", "q_value", "planned_start_on", "coin")


def values_of(row: Row, flows: Sequence[Row]) -> dict[str, Any]:
    """Return the fields of a site that a finding states; what it does not know is left out."""
    values = {name: row.get(name) for name in _SAME}
    values |= {"power_low_kw": row.get("power_kw_low"), "power_high_kw": row.get("power_kw_high")}
    values["energy_week_kwh"] = _a_week(row.get("energy_kwh"), row)
    values["kind"] = _KINDS.get(row["kind"], row["kind"])
    values["phase"] = _PHASES.get(row["site_class"], Site.Phase.OPERATING)
    values["pool"] = ", ".join(sorted({flow["pool"] for flow in flows if flow.get("pool")}))[:200]
    values["first_seen_at"] = row.get("onset_at") or row["period_start_at"]
    values["last_seen_at"] = row.get("ended_at") or row["period_end_at"]
    if row.get("hash_rate") is not None and row.get("algorithm"):
        rate = {"value": row["hash_rate"], "low": row.get("hash_rate_low"), "high": row.get("hash_rate_high")}
        known = {name: value for name, value in rate.items() if value is not None}
        values["hash_rates"] = {row["algorithm"]: known}
    return {name: value for name, value in values.items() if value not in (None, "")}


def since_ever(values: dict[str, Any], site: Site, *, newest: bool) -> dict[str, Any]:
    """Return what to state of a known site: first and last seen widen; estimates count if the newest."""
    seen = {"first_seen_at": values["first_seen_at"], "last_seen_at": values["last_seen_at"]}
    if site.first_seen_at:
        seen["first_seen_at"] = min(seen["first_seen_at"], site.first_seen_at)
    if site.last_seen_at:
        seen["last_seen_at"] = max(seen["last_seen_at"], site.last_seen_at)
    return values | seen if newest else seen


def energies_of(row: Row, evidence: Iterable[Row]) -> dict[str, float]:
    """Return by 户号 the mining energy a week that its meter shows, kWh."""
    found: dict[str, float] = {}
    for item in evidence:
        energy = _a_week(item.get("energy_kwh"), row)
        if item["subject_kind"] == "usage_point" and energy is not None:
            found[item["subject_id"]] = round(max(energy, found.get(item["subject_id"], 0.0)), 3)
    return found


def sightings_of(row: Row, flows: Iterable[Row]) -> list[SightingGiven]:
    """Return the mining traffic of a finding: of its flows, each account and worker; else its endpoints."""
    seen = [sighting for flow in flows if flow.get("dialect") for sighting in _of_flow(flow)]
    if seen:
        return seen
    first, last = row.get("onset_at") or row["period_start_at"], row.get("ended_at") or row["period_end_at"]
    coin, algorithm = row.get("coin") or "", (row.get("algorithm") or "")[:40]
    ends = (item["name"].rpartition(":") for item in row.get("endpoints") or ())
    return [
        SightingGiven(host.strip("[]"), first, last, int(port), coin=coin, algorithm=algorithm)
        for host, _, port in ends
        if host and port.isdigit()
    ]


def _of_flow(flow: Row) -> Iterable[SightingGiven]:
    workers = {item["worker"]: item.get("submitted") for item in flow.get("workers") or ()}
    workers = workers or {"": flow.get("shares_submitted")}
    accounts = flow.get("accounts") or [""]
    for worker, submitted in workers.items():
        yield SightingGiven(
            address=flow["src_ip"],
            first_at=flow["first_at"],
            last_at=flow["last_at"],
            port=flow["src_port"],
            pool=(flow.get("pool") or "")[:200],
            coin=flow.get("coin") or "",
            algorithm=(flow.get("algorithm") or "")[:40],
            wallet=_wallet(worker, accounts)[:160],
            worker=worker[:160],
            submissions=submitted,
        )


def _wallet(worker: str, accounts: Sequence[str]) -> str:
    """Return the account that a worker's name begins with, else the first."""
    return next((name for name in accounts if name and worker.startswith(name)), accounts[0])


def _a_week(energy_kwh: float | None, row: Row) -> float | None:
    if energy_kwh is None:
        return None
    return energy_kwh * (_WEEK / (row["period_end_at"] - row["period_start_at"]))
