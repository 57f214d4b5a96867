"""Reasons a person can check on a plant's hours: what was missing when, how it behaves, what is not known."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from minewatch.detect.plant.analysis import SMALLEST, Analysis
from minewatch.detect.plant.causes import CAUSES
from minewatch.detect.plant.drivers import Columns, Flags
from minewatch.detect.plant.episodes import Episode
from minewatch.schema.reasons import Reason, reason

MW_SELF_USE = 0.015


class Judged(NamedTuple):
    """What the reasons tell of: the analysis, the episode if any, and what explains it innocently."""

    found: Analysis
    episode: Episode | None
    best: str
    rated_mw: float


def plant_reasons(
    judged: Judged, columns: Columns, in_period: Flags, day_of: Callable[[int], date]
) -> list[Reason]:
    """Return the reasons, the strongest first; ``day_of`` gives the local day of an hour of the grid."""
    found = judged.found
    said = _of_episode(judged, day_of) if judged.episode else [_whole(found, in_period)]
    held = int((in_period & ~found.free & ~np.isnan(found.able_mw)).sum())
    if held:
        said.append(reason("plant_hindered", hours=held))
    if np.isnan(columns["aux_mw"]).all():
        said.append(reason("plant_self_use_unmetered", limit_mw=MW_SELF_USE * judged.rated_mw))
    if not np.isnan(columns["inflow_m3s"]).all() and np.isnan(columns["spill_m3s"]).all():
        said.append(reason("plant_spill_ungauged"))
    said.append(reason("plant_hidden_limit", limit_mw=hidden_limit_mw(found)))
    names: Mapping[str, tuple[str, str]] = CAUSES
    en, zh = names[judged.best]
    said.append(reason("plant_weighed", class_en=en, class_zh=zh, log10_lr=found.log10_lr))
    return said


def hidden_limit_mw(found: Analysis) -> float:
    """Return the largest flat load that the learnt curve may hide since before the readings (95 %), MW."""
    mean = float(np.nanmean(found.able_mw))
    most = max(found.curve.standing_mw, 0.0) + 1.645 * found.curve.standing_sigma_mw
    return float(np.clip(most, SMALLEST * mean, None))


def _of_episode(judged: Judged, day_of: Callable[[int], date]) -> list[Reason]:
    episode = judged.episode
    if episode is None:
        return []
    size = {
        "missing_mw": episode.level_mw,
        "able_mw": episode.able_mw,
        "percent": 100 * episode.level_mw / max(episode.able_mw, 1e-9),
    }
    first = day_of(episode.begin).isoformat()
    said = [reason("plant_missing_from_start", first=first, **size)] if episode.begin == 0 else []
    if episode.begin > 0:
        on = 100 * episode.on_share
        last = day_of(episode.end - 1).isoformat()
        said = [reason("plant_missing", first=first, last=last, on_percent=on, **size)]
    parts = {
        "low_mw": episode.low.able_mw,
        "missing_low_mw": episode.low.missing_mw,
        "high_mw": episode.high.able_mw,
        "missing_high_mw": episode.high.missing_mw,
    }
    if judged.found.log10_lr > 0:
        return [*said, reason("plant_flat", **parts)]
    en, zh = CAUSES[judged.best]
    return [*said, reason("plant_scaled", cause_en=en, cause_zh=zh, **parts)]


def _whole(found: Analysis, in_period: Flags) -> Reason:
    at = in_period & found.free
    hours = int(at.sum())
    if not hours:
        return reason("plant_always_hindered", hindered_percent=100.0)
    return reason(
        "plant_whole",
        hours=hours,
        able_mw=float(found.able_mw[at].mean()),
        met_mw=float(found.met_mw[at].mean()),
    )
