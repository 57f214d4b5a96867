"""Findings made up for the tests whose evidence is of the grid: a balance, a plant, a site with traffic."""

from datetime import timedelta
from typing import Any

import numpy as np

from minewatch.runs.report import Curve
from minewatch.runs.report.data import Pair, Subject
from report_samples import DAYS, FIRST, curve, energy, evidence, finding, link, local, power, reason

Row = dict[str, Any]
TRANSFORMER, FEEDER = Subject("transformer", "T511823000207"), Subject("feeder", "F511823012")
PLANT, SITE = Subject("plant", "H51182300002"), Subject("site", "S-0000000000000000000a")
HOURS = DAYS * 24


def residual(seed: int, block_kw: float, onset_day: int) -> Curve:
    """What the balance leaves: noise around zero, and a block from ``onset_day`` on."""
    noise = np.random.default_rng(seed).normal(0, 0.06 * block_kw, HOURS)
    kw = noise + block_kw * (np.arange(HOURS) >= onset_day * 24)
    kw[500:530] = np.nan
    return Curve(local(FIRST), 60, kw)


def balance() -> tuple[Row, list[Row]]:
    """A load that no meter shows, at one of three customers of a transformer."""
    places = [{"name": f"05{n:08d}", "probability": share} for n, share in ((71, 0.5), (72, 0.3), (73, 0.2))]
    onset = local(FIRST + timedelta(days=50))
    basis = reason("voltage_points_at", "the voltage here falls", "此处电压下降")
    made = finding(
        7,
        region_code="511823",
        lon=102.68241,
        lat=29.35519,
        transformers=[{"name": TRANSFORMER.name, "probability": 1.0}],
        feeders=[{"name": FEEDER.name, "probability": 1.0}],
        usage_points=places,
        kind="unmetered_supply",
        duty="flat",
        onset_at=onset,
        links=[
            link(("transformer", TRANSFORMER.name), ("usage_point", item["name"]), item["probability"], basis)
            for item in places
        ],
        **power(62, 0.08),
        **energy(10_400, 0.1),
        reasons=[reason("balance_block", "62 kW are never metered", "62千瓦从未计量", power_kw=62)],
        evidence_ids=["E-balance", "E-feeder"],
    )
    shared: dict[str, Any] = {"onset_at": onset, "duty": "flat", "on_share": 0.99, **energy(10_400, 0.1)}
    shared["best_alternative"] = "loss"
    rows = [
        evidence("balance", *TRANSFORMER, log10_lr=3.1, places=places, **power(62, 0.08), **shared),
        evidence("feeder", *FEEDER, log10_lr=0.4, **power(70, 0.5), **shared),
    ]
    return made, rows


def diversion() -> tuple[Row, list[Row]]:
    """A plant whose output lacks 2 MW."""
    onset, end = local(FIRST + timedelta(days=60)), local(FIRST + timedelta(days=100))
    made = finding(
        8,
        enterprise_name="汉源清白水电开发有限公司",
        address="清白河二级水电站",
        plants=[{"name": PLANT.name, "probability": 1.0}],
        kind="plant_diversion",
        onset_at=onset,
        ended_at=end,
        planned_start_on=(FIRST + timedelta(days=90)),
        **power(2000, 0.1),
        **energy(330_000, 0.1),
        reasons=[reason("plant_missing", "2 MW are missing for no reason", "缺失出力2兆瓦且无合理原因")],
        evidence_ids=["E-plant"],
    )
    when: dict[str, Any] = {"onset_at": onset, "ended_at": end, "best_alternative": "gauge"}
    row = evidence("plant", *PLANT, log10_lr=4.4, **when, **power(2000, 0.1))
    return made, [row]


def part_of_a_data_centre() -> tuple[Row, list[Row], dict[str, Curve]]:
    """A site that moves data, and a part of it that does not."""
    usage = "3301880099001"
    honest: dict[str, Any] = {"best_alternative": "data_centre"}
    made = finding(
        9,
        enterprise_name="青岭云计算有限公司",
        site_id=SITE.name,
        usage_points=[{"name": usage, "probability": 1.0}],
        **power(80, 0.2),
        reasons=[reason("mine_within_load", "of 500 kW 80 move no data", "500千瓦中80千瓦无数据流量")],
        evidence_ids=["E-dc-meter", "E-dc-site"],
    )
    rows = [
        evidence("dc-meter", "usage_point", usage, log10_lr=1.2, **honest, **power(500, 0.05)),
        evidence("dc-site", *SITE, log10_lr=2.2, **honest, **power(80, 0.2)),
    ]
    return made, rows, {usage: curve(31, 40, 500, 0)}


def pairs() -> dict[Subject, Pair]:
    """Expected and met output of the plant; power and traffic of the site."""
    rng = np.random.default_rng(8)
    hour = np.arange(HOURS)
    expected = 5 + 2 * np.sin(hour / 700) + rng.normal(0, 0.05, HOURS)
    met = expected - 2.0 * ((hour >= 60 * 24) & (hour < 100 * 24)) + rng.normal(0, 0.08, HOURS)
    kw = 500 + rng.normal(0, 4, HOURS)
    traffic = 800 + 200 * np.sin(hour * np.pi / 12) + rng.normal(0, 20, HOURS)
    traffic[200:260] = np.nan
    return {PLANT: Pair(local(FIRST), expected, met), SITE: Pair(local(FIRST), kw, traffic)}


def residuals() -> dict[Subject, Curve]:
    """What the balances of transformer and feeder leave."""
    return {TRANSFORMER: residual(3, 62, 50), FEEDER: residual(4, 70, 50)}


def grid_parts() -> tuple[list[Row], list[Row], dict[str, Curve]]:
    """Return findings, evidence and curves of all three."""
    made = [balance(), diversion()]
    site = part_of_a_data_centre()
    findings = [*(item[0] for item in made), site[0]]
    rows = [*(row for item in made for row in item[1]), *site[1]]
    return findings, rows, site[2]
