"""Plants: what is refused, a flat load found, sized and dated, and losses that are not taken for one."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.plant.plant_output import judge, plant_evidence, series_of
from minewatch.schema.evidence import Duty, Evidence
from minewatch.schema.grid_tables import PLANT_READINGS, PLANTS
from minewatch.schema.periods import day_period
from minewatch.sim.county import ZONE

DAYS, START = 150, date(2026, 1, 1)
PERIOD = day_period(date(2026, 4, 1), date(2026, 5, 31), ZONE)
HOURS = np.arange(DAYS * 24)
FIRST = datetime(2025, 12, 31, 16, tzinfo=UTC)
HYDRO = {"kind": "hydro", "rated_mw": 4.0, "design_flow_m3s": 10.0, "design_head_m": 50.0}


def hydro(lost: np.ndarray | float = 1.0, line_mw: np.ndarray | float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    flow = 5 + 3 * np.sin(HOURS / 150) + np.sin(HOURS / 40)
    mw = 9.81 * 0.86 * 50 * flow * lost / 1000
    mw *= 1 + rng.normal(0, 0.01, HOURS.size)
    return {"inflow_m3s": flow, "mw": np.clip(mw - line_mw, 0, None)}


def table(columns: dict[str, np.ndarray], name: str = "P1") -> pa.Table:
    rows = {"plant_id": [name] * HOURS.size, "hour": [FIRST + timedelta(hours=int(h)) for h in HOURS]}
    nothing = np.full(HOURS.size, np.nan)
    rows |= {field: columns.get(field, nothing) for field in PLANT_READINGS.names[2:]}
    arrays = [pa.array(rows[field.name], field.type, from_pandas=True) for field in PLANT_READINGS]
    return pa.table(arrays, schema=PLANT_READINGS)


def plates(**columns: object) -> pa.Table:
    return pa.Table.from_pylist([{"plant_id": "P1", **columns}], schema=PLANTS)


def judged(columns: dict[str, np.ndarray], **plate: object) -> Evidence:
    (evidence,) = judge(table(columns), plates(**(plate or HYDRO)), PERIOD, ZONE)
    return evidence


def codes(evidence: Evidence) -> list[str]:
    return [item.code for item in evidence.reasons]


def test_a_private_line_is_found_sized_and_dated() -> None:
    on = (HOURS >= 100 * 24 + 10) & (HOURS < 130 * 24)
    evidence = judged(hydro(line_mw=0.3 * on))
    assert evidence.log10_lr is not None
    assert evidence.log10_lr > 3
    assert evidence.power_kw is not None
    assert evidence.power_kw.low <= 300 <= evidence.power_kw.high
    assert evidence.power_kw.value == pytest.approx(300, rel=0.1)
    assert evidence.energy_kwh is not None
    assert evidence.energy_kwh.value == pytest.approx(300 * on.sum(), rel=0.15)
    assert evidence.onset_at is not None
    assert evidence.ended_at is not None
    assert abs(evidence.onset_at - (FIRST + timedelta(hours=100 * 24 + 10))) < timedelta(hours=24)
    assert abs(evidence.ended_at - (FIRST + timedelta(hours=130 * 24))) < timedelta(hours=24)
    assert evidence.duty is Duty.FLAT
    assert codes(evidence)[:2] == ["plant_missing", "plant_flat"]


def test_water_that_is_lost_is_no_private_line() -> None:
    leaking = np.where((HOURS >= 100 * 24) & (HOURS < 130 * 24), 0.85, 1.0)
    evidence = judged(hydro(lost=leaking))
    assert evidence.log10_lr is not None
    assert evidence.log10_lr < 0
    assert evidence.best_alternative == "spill"


def test_a_line_outside_the_period_says_nothing_of_the_period() -> None:
    evidence = judged(hydro(line_mw=0.4 * (HOURS < 60 * 24) * (HOURS > 30 * 24)))
    assert evidence.log10_lr is not None
    assert evidence.log10_lr < 0
    assert codes(evidence)[0] == "plant_whole"


def test_hours_that_dispatch_held_back_say_nothing() -> None:
    columns = hydro()
    held = HOURS >= 120 * 24
    columns["mw"] = np.where(held, np.minimum(columns["mw"], 1.0), columns["mw"])
    columns["dispatched_mw"] = np.where(held, 1.0, 4.0)
    evidence = judged(columns)
    assert evidence.log10_lr is not None
    assert evidence.log10_lr < 0
    assert evidence.best_alternative == "curtailment"
    assert "plant_hindered" in codes(evidence)


def test_metered_self_use_is_no_missing_output() -> None:
    aux = 0.3 * (HOURS >= 110 * 24)
    told = judged({**hydro(line_mw=aux), "aux_mw": aux})
    assert told.log10_lr is not None
    assert told.log10_lr < 0


@pytest.mark.parametrize(
    ("plate", "columns", "code"),
    [
        ({"kind": "hydro", "rated_mw": None}, hydro(), "plant_not_registered"),
        ({"kind": "tidal", "rated_mw": 4.0}, hydro(), "plant_unknown_kind"),
        ({"kind": "wind", "rated_mw": 4.0}, hydro(), "plant_driver_missing"),
        (
            HYDRO,
            {n: np.where(HOURS < 80 * 24, v, np.nan) for n, v in hydro().items()},
            "plant_none_in_period",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(
    plate: dict[str, object], columns: dict[str, np.ndarray], code: str
) -> None:
    evidence = judged(columns, **plate)
    assert evidence.log10_lr is None
    assert codes(evidence) == [code]


def test_plants_are_judged_apart_and_inputs_are_named() -> None:
    both = pa.concat_tables([table(hydro(), "P1"), table(hydro(), "P2")])
    assert [(series.plant_id, series.rows) for series in series_of(both)] == [
        ("P1", HOURS.size),
        ("P2", HOURS.size),
    ]
    parameters = {
        "period_start_at": PERIOD.start_at.isoformat(),
        "period_end_at": PERIOD.end_at.isoformat(),
        "zone": "Asia/Shanghai",
        "inputs": {"plants": [3, 1], "plant_readings": [4, 100]},
    }
    rows = plant_evidence({"plants": plates(**HYDRO), "plant_readings": both}, parameters).to_pylist()
    assert [row["log10_lr"] is None for row in rows] == [False, True]
    assert rows[0]["inputs"] == [
        {"table": "plant_readings", "version": 4, "rows": HOURS.size},
        {"table": "plants", "version": 3, "rows": 1},
    ]


def test_a_line_older_than_the_readings_is_found_where_physics_tells() -> None:
    rng = np.random.default_rng(8)
    sun = np.clip(np.sin(2 * np.pi * (HOURS % 24 - 6) / 24), 0, None) * rng.uniform(200, 1000, HOURS.size)
    made = 10 * sun / 1000 * sun / (sun + 12) * (1 - 0.004 * (28 * sun / 1000 - 10))
    made *= 0.9 * (1 + rng.normal(0, 0.01, HOURS.size))
    plate = {"kind": "solar", "rated_mw": 10.0}
    honest = judged({"irradiance_w_m2": sun, "mw": made}, **plate)
    diverting = judged({"irradiance_w_m2": sun, "mw": np.clip(made - 1.0, 0, None)}, **plate)
    assert honest.log10_lr is not None
    assert honest.log10_lr < 0
    assert diverting.log10_lr is not None
    assert diverting.log10_lr > 3
    assert diverting.onset_at is None
    assert codes(diverting)[0] == "plant_missing_from_start"
