"""Why the books of a transformer were judged so, in numbers that a person can find in them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minewatch.detect.balance.model import Balance, Term
from minewatch.detect.balance.series import Series
from minewatch.detect.balance.strays import Stray
from minewatch.detect.balance.weight import Block, Weighed
from minewatch.schema.load_classes import load_class_name
from minewatch.schema.reasons import Reason, reason

TOLD_ERRORS, TOLD_SHARE = 3.0, 0.01
"""A part of the books is told where it lies so many standard errors from nothing, and what stands beside the
block from this share of the mean supply on."""
MOST_NAMES = 12


class Moved(NamedTuple):
    """Meters of the archive that are not fed from here, and meters from elsewhere that are."""

    strays: Sequence[Stray]
    newcomers: Sequence[Stray]


def balance_reasons(balance: Balance, weighed: Weighed, moved: Moved) -> list[Reason]:
    """Return the reasons in the order in which a person would look them up."""
    series = balance.books.series
    return [
        *_block(series, weighed.block),
        _losses(balance, weighed.block),
        *_moved(moved),
        *_customers(balance, weighed.block),
        *_beside(balance, weighed.block),
        _weighed(weighed),
    ]


def _block(series: Series, block: Block) -> list[Reason]:
    mean = series.mean_kw
    power, percent = block.power_kw, 100 * block.power_kw / mean
    if not block.seen:
        error = max(abs(power), 2 * block.error_kw)
        return [reason("balance_closes", error_kw=error, percent=100 * error / mean)]
    reasons = [_since(series, block, {"power_kw": power, "percent": percent})]
    if block.pulse is not None and block.pulse.end < series.days:
        reasons.append(reason("balance_block_ended", end_day=series.day(block.pulse.end).isoformat()))
    low, high = float(np.nanmin(block.uplift_kw)), float(np.nanmax(block.uplift_kw))
    return [*reasons, reason("balance_even_day", low_kw=low, high_kw=high)]


def _since(series: Series, block: Block, values: dict[str, float]) -> Reason:
    if block.pulse is None or block.pulse.begin == 0:
        return reason("balance_block_always", first_day=series.day(0).isoformat(), **values)
    onset_day = series.day(block.pulse.begin).isoformat()
    days = block.pulse.end - block.pulse.begin
    return reason("balance_block_since", onset_day=onset_day, days=days, **values)


def _losses(balance: Balance, block: Block) -> Reason:
    known = balance.books.known
    iron, load_loss = (float(block.fit.coefficients[term]) for term in (Term.iron, Term.load_loss))
    if not known.iron_kw[0]:
        energy_kw = load_loss * float(np.mean(known.load_kw))
        return reason("balance_line_loss", loss_kw=energy_kw, percent=100 * load_loss)
    nameplate = "-" if known.nameplate_kw is None else f"{known.nameplate_kw:.2g}"
    return reason("balance_losses", iron_kw=iron, nameplate_kw=nameplate, load_loss_percent=load_loss)


def _moved(moved: Moved) -> list[Reason]:
    groups = {"balance_strays": moved.strays, "balance_newcomers": moved.newcomers}
    return [reason(code, **_named(strays)) for code, strays in groups.items() if strays]


def _named(strays: Sequence[Stray]) -> dict[str, str | int]:
    names = sorted(stray.meter_id for stray in strays)
    shown = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
    return {"number": len(names), "customers": shown}


def _customers(balance: Balance, block: Block) -> list[Reason]:
    series = balance.books.series
    below, reasons = series.below, []
    share = float(block.fit.coefficients[Term.share])
    if share > max(TOLD_ERRORS * block.fit.error(Term.share), TOLD_SHARE):
        reasons.append(reason("balance_strangers", share_percent=100 * share))
    if below.unread_kva.size:
        contract = float(np.nansum(below.unread_kva))
        reasons.append(reason("balance_unread", number=below.unread_kva.size, contract_kva=contract))
    if below.read_daily:
        reasons.append(reason("balance_by_day", number=below.read_daily))
    return reasons


def _beside(balance: Balance, block: Block) -> list[Reason]:
    series, fit, reasons = balance.books.series, block.fit, []
    clock_h, error_h = float(fit.coefficients[Term.clock]), fit.error(Term.clock)
    if abs(clock_h) > max(TOLD_ERRORS * error_h, 1 / 60):
        reasons.append(reason("balance_clock", minutes=60 * clock_h))
    if balance.sunny:
        reasons.append(reason("balance_sun", power_kw=-balance.sun_kw))
    dark = float(fit.coefficients[Term.dark])
    if dark > max(TOLD_ERRORS * fit.error(Term.dark), TOLD_SHARE * series.mean_kw):
        reasons.append(reason("balance_dark", power_kw=dark))
    filled = 100 * float(series.filled_kw.sum() / max(series.metered_kw.sum(), 1e-9))
    if filled >= 0.1:
        reasons.append(reason("balance_filled", percent=filled))
    if balance.books.known.nameplate_kw is None and balance.books.known.iron_kw[0]:
        reasons.append(reason("balance_without_archive"))
    return reasons


def _weighed(weighed: Weighed) -> Reason:
    names = {f"cause_{language}": load_class_name(weighed.best, language) for language in ("en", "zh")}
    return reason("balance_weighed", log10_lr=weighed.log10_lr, **names)
