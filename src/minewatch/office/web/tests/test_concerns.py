"""What an agency owes and what concerns it: figures are counts of their lists."""

import re
from datetime import timedelta

import pytest

from minewatch.office.platform.models import Agency
from minewatch.office.verify.duties import duties, duties_of
from minewatch.office.verify.models import Case, Obligation
from minewatch.office.verify.tests.conftest import case, crew, everywhere, judged, new_site
from minewatch.office.web.cases.lists import CaseFilters
from minewatch.office.web.overview.concerns import CONCERNS, figures_for
from minewatch.office.web.sites.lists import SiteFilters
from minewatch.office.web.tests.conftest import LogIn

_ = (case, crew, everywhere, new_site)  # fixtures of the cases' own tests
_FORMS = {"sites": SiteFilters, "cases": CaseFilters}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", Agency.Kind.values)
def test_each_kind_of_agency_has_figures_that_its_lists_understand(kind: str, everywhere: object) -> None:
    _ = everywhere
    for concern in CONCERNS[kind]:
        form = _FORMS[concern.route](dict(concern.filters))
        assert form.is_valid(), concern
        assert {name: form.cleaned_data[name] for name in concern.filters} == concern.filters
    assert len(CONCERNS[kind]) <= 6


def test_a_figure_is_the_count_of_the_list_that_it_leads_to(case: Case, crew, log_in: LogIn) -> None:  # type: ignore[no-untyped-def]
    judged(case, crew)
    client = log_in(crew.officers["county"])
    figures = [figure for figure in figures_for(crew.agencies["county"]) if figure.number]
    assert figures
    for figure in figures:
        rows = re.findall(r'<td class="office-code"', client.get(figure.address).content.decode())
        assert len(rows) == figure.number


def test_the_queue_of_another_agency_is_read_and_not_worked(case: Case, crew, log_in: LogIn) -> None:  # type: ignore[no-untyped-def]
    judged(case, crew)
    county = crew.agencies["county"].code
    own = log_in(crew.officers["county"]).get("/queue/").content.decode()
    other = log_in(crew.officers["province"]).get(f"/queue/?agency={county}").content.decode()
    assert "/settle/" in own
    assert case.number in other
    assert "/settle/" not in other
    assert log_in(crew.officers["county"]).get("/queue/?agency=energy-620000").status_code == 404


def test_what_is_due_is_told_apart_from_what_is_overdue(case: Case, crew, everywhere: object) -> None:  # type: ignore[no-untyped-def]
    _ = everywhere
    judged(case, crew)
    county = crew.agencies["county"]
    first = min(row.due_at for row in Obligation.objects.filter(agency=county))
    before, after = (duties_of(county, first + timedelta(seconds=off)) for off in (-1, 1))
    assert (before.late, after.late) == (0, 1)
    assert before.open == after.open >= before.soon >= 1
    assert [one.code for one in duties(first)] == [county.code]
