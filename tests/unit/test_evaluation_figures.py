"""Figures of a labelled ranking and their intervals."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from minewatch.runs.evaluation import figures as evaluation_figures
from minewatch.runs.evaluation.figures import Ranking, figures, list_figures


def ranking(mines: int = 40, innocents: int = 160, seed: int = 1) -> Ranking:
    rng = np.random.default_rng(seed)
    n = mines + innocents
    mine = np.arange(n) < mines
    kw = np.where(mine, rng.uniform(2, 200, n), np.nan)
    value = kw * rng.uniform(0.9, 1.1, n)
    nothing = np.full(n, "", dtype=object)
    classes, kinds = nothing.copy(), nothing.copy()
    classes[~mine], kinds[mine] = rng.choice(["cold_store", "shop"], innocents), "home"
    return Ranking(
        scores=rng.normal(np.where(mine, 2.0, 0.0)),
        mine=mine,
        sites=np.arange(n),
        classes=classes,
        kinds=kinds,
        mine_kw=kw,
        rest_kw=np.full(n, 20.0),
        power_kw=np.column_stack([value * 0.85, value, value * 1.15]),
        begun=mine & (np.arange(n) % 2 == 0),
        older=mine & (np.arange(n) % 2 == 1),
        onset_days=np.where(np.arange(n) % 4 == 0, 1.5, np.nan),
    )


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_figures, "RESAMPLES", 60)


def width(figure: dict[str, Any]) -> float:
    return figure["high"] - figure["low"]


def test_every_figure_lies_in_its_interval() -> None:
    found = figures(ranking(), 0.01)
    assert found["power"]["power_coverage"]["value"] == 1.0
    assert found["power"]["power_median_error"]["value"] < 0.1
    assert found["onset"]["median_error_days"] == {"value": 1.5, "low": 1.5, "high": 1.5, "n": 10}
    assert found["onset"]["found"]["value"] == 0.5
    assert found["onset"]["false"]["value"] == 0.0
    assert set(found["false_alarms"]) == {"all", "cold_store", "shop"}
    assert set(found["by_size_kw"]) <= {"0-5", "5-50", "50-500", "500-inf"}
    assert set(found["by_size_relative"]) == {"0-0.5", "0.5-1", "1-3", "3-inf"}
    for figure in (found["roc_auc"], found["pr_auc"], *found["false_alarms"].values()):
        assert figure["low"] <= figure["value"] <= figure["high"]


def test_the_share_of_mines_moves_precision_and_not_the_roc() -> None:
    rare, usual = figures(ranking(), 0.001), figures(ranking(), 0.2)
    assert rare["roc_auc"] == usual["roc_auc"]
    assert rare["pr_auc"]["value"] < usual["pr_auc"]["value"]
    assert rare["recall_at_false_share"]["0.05"]["value"] <= usual["recall_at_false_share"]["0.05"]["value"]


def test_rows_of_one_site_are_no_more_than_one_witness() -> None:
    """Ten copies of every row at its own site narrow nothing; ten as sites of their own would."""
    one = ranking()
    copied = replace(one, **{name: np.repeat(value, 10, axis=0) for name, value in vars(one).items()})
    apart = replace(copied, sites=np.arange(len(copied.sites)))
    single, together, separate = (figures(item, 0.01)["roc_auc"] for item in (one, copied, apart))
    assert together["value"] == pytest.approx(single["value"])
    assert width(together) == pytest.approx(width(single), rel=0.05)
    assert width(separate) < width(single) / 2


def test_no_false_alarm_among_few_is_no_proof() -> None:
    one = ranking(innocents=20)
    scores = np.where(one.mine, 5.0, -5.0)
    figure = figures(replace(one, scores=scores), 0.01)["false_alarms"]["all"]
    assert (figure["value"], figure["low"]) == (0.0, 0.0)
    assert figure["high"] == pytest.approx(1 - 0.025 ** (1 / 20))


def test_without_mines_or_innocents_there_is_no_figure() -> None:
    for found in (figures(ranking(mines=0), 0.01), figures(ranking(innocents=0), 0.01)):
        assert found["roc_auc"]["value"] is None
        assert found["pr_auc"]["low"] is None


def test_the_list_by_its_inspected_part() -> None:
    one = ranking(mines=10, innocents=30)
    listed = np.isin(np.arange(40), [0, 1, 2, 3, 20])
    found = list_figures(one, listed)
    assert found["confirmed"]["value"] == pytest.approx(0.8)
    assert found["recall"]["value"] == pytest.approx(0.4)
