"""The real series are split so that nothing in one half is a copy of something in the other."""

from pathlib import Path

import numpy as np
import pytest

from minewatch.runs.training.backgrounds import (
    EVALUATION,
    TRAINING,
    Background,
    BackgroundsError,
    hourly_means,
    of_half,
    read_backgrounds,
)


@pytest.fixture(scope="module")
def series(shared_data: Path) -> tuple[Background, ...]:
    return read_backgrounds(shared_data / "meters" / "readings.parquet")


def test_each_half_has_homes_works_and_servers(series: tuple[Background, ...]) -> None:
    for half in (TRAINING, EVALUATION):
        kinds = {each.kind for each in of_half(series, half)}
        assert {"household", "office", "three_shift", "gpu_server", "ev_charger", "farm", "shop"} <= kinds


def test_no_series_has_a_near_copy_in_the_other_half(series: tuple[Background, ...]) -> None:
    training, evaluation = (of_half(series, half) for half in (TRAINING, EVALUATION))
    likeness = [
        np.corrcoef(hourly_means(one.kw).ravel(), hourly_means(other.kw).ravel())[0, 1]
        for one in training
        for other in evaluation
        if one.first_day == other.first_day and one.kw.shape == other.kw.shape
    ]
    assert len(likeness) > 100
    assert np.nanmax(likeness) < 0.95


def test_known_families_stay_together(series: tuple[Background, ...]) -> None:
    group = {each.name: each.group for each in series}
    assert len({group[f"simbench/HS{number}"] for number in (1, 2, 16, 17, 18, 20, 21, 22, 25, 26)}) == 1
    assert len({group[f"simbench/{name}"] for name in ("hv_urban", "mv_semiurb", "lv_rural2")}) == 1


def test_files_without_readings_are_told(tmp_path: Path) -> None:
    path = tmp_path / "usage_points.csv"
    path.write_text("usage_point_id,tariff_class\n001,residential\n", encoding="utf-8")
    with pytest.raises(BackgroundsError, match="no interval readings"):
        read_backgrounds(path)
