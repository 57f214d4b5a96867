"""Why the books of a transformer were judged so, in numbers that a person can find in them."""

from datetime import date, timedelta

import numpy as np

from minewatch.detect.balance_model import Balance, Term, mean_kw
from minewatch.detect.balance_series import Series
from minewatch.detect.balance_weight import Block, Weighed
from minewatch.kernels.hours import HOURS
from minewatch.schema.load_classes import load_class_name
from minewatch.schema.reasons import Reason, reason

_EPOCH = date(1970, 1, 1)
TOLD_ERRORS, TOLD_SHARE = 3.0, 0.01
"""A part of the books is told where it lies so many standard errors from nothing, and what stands beside the
block from this share of the mean supply on."""
MOST_NAMES = 12


def balance_reasons(balance: Balance, weighed: Weighed) -> list[Reason]:
    """Return the reasons in the order in which a person would look them up."""
    series = balance.books.series
    return [
        *_block(series, weighed.block),
        _losses(series, weighed.block),
        *_customers(balance, weighed.block),
        *_beside(balance, weighed.block),
        _weighed(weighed),
    ]


def day_of(series: Series, day: int) -> date:
    """Return the local day that is ``day`` days after the first of the series."""
    return _EPOCH + timedelta(days=series.first_day + day)


def _block(series: Series, block: Block) -> list[Reason]:
    mean = mean_kw(series)
    power, percent = block.power_kw, 100 * block.power_kw / mean
    if not block.seen:
        error = max(abs(power), 2 * block.error_kw)
        return [reason("balance_closes", error_kw=error, percent=100 * error / mean)]
    reasons = [_since(series, block, {"power_kw": power, "percent": percent})]
    if block.pulse is not None and block.pulse.end < series.days:
        reasons.append(reason("balance_block_ended", end_day=day_of(series, block.pulse.end).isoformat()))
    low, high = float(np.nanmin(block.uplift_kw)), float(np.nanmax(block.uplift_kw))
    return [*reasons, reason("balance_even_day", low_kw=low, high_kw=high)]


def _since(series: Series, block: Block, values: dict[str, float]) -> Reason:
    if block.pulse is None or block.pulse.begin == 0:
        return reason("balance_block_always", first_day=day_of(series, 0).isoformat(), **values)
    onset_day = day_of(series, block.pulse.begin).isoformat()
    days = block.pulse.end - block.pulse.begin
    return reason("balance_block_since", onset_day=onset_day, days=days, **values)


def _losses(series: Series, block: Block) -> Reason:
    iron, load_loss = (float(block.fit.coefficients[term]) for term in (Term.iron, Term.load_loss))
    known = series.archive.no_load_loss_kw
    nameplate = "-" if np.isnan(known) else f"{known:.2g}"
    return reason("balance_losses", iron_kw=iron, nameplate_kw=nameplate, load_loss_percent=load_loss)


def _customers(balance: Balance, block: Block) -> list[Reason]:
    series = balance.books.series
    meters, reasons = series.meters, []
    if balance.strays:
        names = sorted(balance.strays)
        shown = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
        reasons.append(reason("balance_strays", number=len(names), customers=shown))
    share = float(block.fit.coefficients[Term.share])
    if share > max(TOLD_ERRORS * block.fit.error(Term.share), TOLD_SHARE):
        reasons.append(reason("balance_strangers", share_percent=100 * share))
    if meters.unread:
        contract = float(np.nansum(list(meters.unread.values())))
        reasons.append(reason("balance_unread", number=len(meters.unread), contract_kva=contract))
    if meters.daily:
        reasons.append(reason("balance_by_day", number=len(meters.daily)))
    return reasons


def _beside(balance: Balance, block: Block) -> list[Reason]:
    series, fit, reasons = balance.books.series, block.fit, []
    clock_h, error_h = float(fit.coefficients[Term.clock]), fit.error(Term.clock)
    if abs(clock_h) > max(TOLD_ERRORS * error_h, 1 / 60):
        reasons.append(reason("balance_clock", minutes=60 * clock_h))
    if balance.sunny:
        reasons.append(reason("balance_sun", power_kw=-balance.sun_kw))
    dark = float(fit.coefficients[Term.dark])
    if dark > max(TOLD_ERRORS * fit.error(Term.dark), TOLD_SHARE * mean_kw(series)):
        reasons.append(reason("balance_dark", power_kw=dark))
    filled = 100 * float(series.filled_kw.sum() / max(series.metered_kw.sum(), 1e-9))
    if filled >= 0.1:
        reasons.append(reason("balance_filled", percent=filled))
    if np.isnan(series.archive.rated_kva):
        reasons.append(reason("balance_without_archive"))
    return reasons


def _weighed(weighed: Weighed) -> Reason:
    names = {f"cause_{language}": load_class_name(weighed.best, language) for language in ("en", "zh")}
    return reason("balance_weighed", log10_lr=weighed.log10_lr, **names)


def hours_of(series: Series, first: int, last: int) -> slice:
    """Return the hours of the days ``first`` to ``last`` (excluded) of the series, cut to what it has."""
    return slice(min(max(first, 0), series.days) * HOURS, min(max(last, 0), series.days) * HOURS)
