"""Scope fails closed, administrators stay apart, events come once, masks hide."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from minewatch.office.conftest import AT, OFFICE, PASSWORD, REGIONS
from minewatch.office.platform import events
from minewatch.office.platform.masking import mask_address, mask_ip, mask_name, mask_number
from minewatch.office.platform.models import AuditEntry, Event, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Administrator, Role, grant
from minewatch.office.platform.scope import NoScope, Scope, active, scoped, whole
from minewatch.office.platform.selectors import is_unmasked, regions_below, scope_of
from minewatch.office.platform.services import (
    AccountGiven,
    AgencyGiven,
    By,
    RegionGiven,
    add_agency,
    add_regions,
    open_account,
    set_roles,
    unmask,
)


@pytest.fixture
def energy(db: None) -> str:
    add_regions(REGIONS, OFFICE)
    return add_agency(AgencyGiven("energy-51", "energy", "四川省能源局", "510000"), OFFICE).code


def account(agency: str, **values: Any) -> User:
    return open_account(AccountGiven("li.na", PASSWORD, agency, **values), OFFICE)


def test_no_scope_no_rows() -> None:
    with pytest.raises(NoScope):
        active()
    with scoped(whole("test")) as scope:
        assert active() is scope
    with pytest.raises(NoScope):
        active()


def test_a_scope_holds_its_own_tree(energy: str) -> None:
    user = account(energy, roles=(Role.ANALYST,))
    below = regions_below(scope_of(user).region_path)
    assert [region.code for region in below] == ["510000", "510700", "510703"]


def test_regions_come_once_and_need_their_parent(energy: str) -> None:
    assert add_regions(REGIONS, OFFICE) == 0
    with pytest.raises(Refused) as refused:
        add_regions([RegionGiven("110101", "county", "东城区", parent="110100")], OFFICE)
    assert refused.value.code == "region_without_parent"


def test_an_administrator_has_no_role_and_sees_no_row(energy: str) -> None:
    grant((Role.ANALYST,), {"test.read_site"})
    with pytest.raises(Refused):
        account(energy, roles=(Role.ANALYST,), administers=Administrator.AUDIT)
    admin = account(energy, administers=Administrator.AUDIT)
    with pytest.raises(Refused):
        set_roles(admin, [Role.ANALYST], OFFICE)
    assert admin.has_perm("platform.see_audit")
    assert not admin.has_perm("test.read_site")
    assert regions_below(scope_of(admin).region_path) == []


def test_roles_written_past_the_services_still_do_not_count(energy: str) -> None:
    grant((Role.ANALYST,), {"test.read_site"})
    admin = account(energy, administers=Administrator.SYSTEM)
    admin.roles.create(role=Role.ANALYST, given_at=AT)
    assert not User.objects.get(pk=admin.pk).has_perm("test.read_site")


def test_a_role_gives_its_permissions_and_nobody_gives_it_to_himself(energy: str) -> None:
    grant((Role.OFFICER,), {"test.change_site"})
    user = account(energy, roles=(Role.VIEWER,))
    assert not user.has_perm("test.change_site")
    with pytest.raises(Refused):
        set_roles(user, [Role.OFFICER], By(user, AT))
    set_roles(user, [Role.OFFICER], OFFICE)
    assert User.objects.get(pk=user.pk).has_perm("test.change_site")
    assert AuditEntry.objects.filter(action="roles_set").count() == 1


def test_unmasking_needs_a_purpose_is_logged_and_ends(energy: str) -> None:
    user = account(energy, roles=(Role.OFFICER,))
    site = ("site", 7)
    later = AT.replace(hour=10)
    with pytest.raises(Refused):
        unmask(site, "address", "  ", (By(user, AT), later))
    unmask(site, "address", "inspection of 5 May", (By(user, AT), later))
    assert is_unmasked(user.pk, site, "address", AT)
    assert not is_unmasked(user.pk, site, "address", later)
    assert not is_unmasked(user.pk, site, "name", AT)
    assert AuditEntry.objects.get(action="unmasked").details["purpose"] == "inspection of 5 May"


def test_an_event_comes_once_to_each_subscriber(db: None) -> None:
    taken: list[str] = []
    broken = [True]

    @events.subscribe("test.happened")
    def first(payload: Mapping[str, Any], at: datetime) -> None:
        taken.append(f"first {payload['n']}")

    @events.subscribe("test.happened")
    def second(payload: Mapping[str, Any], at: datetime) -> None:
        if broken[0]:
            raise RuntimeError
        taken.append(f"second {payload['n']}")

    events.publish("test.happened", {"n": 1}, AT)
    with pytest.raises(RuntimeError):
        events.deliver(AT)
    broken[0] = False
    assert events.deliver(AT) == 1
    assert events.deliver(AT) == 0
    assert taken == ["first 1", "second 1"]
    assert Event.objects.get().delivered_at == AT


def test_masks_tell_apart_without_telling() -> None:
    assert mask_name("王小明") == "王**"
    assert mask_name("绵阳清流科技有限公司") == "绵阳清流****"
    assert mask_ip("198.51.100.7") == "198.51.*.*"
    assert mask_ip("2001:db8::7") == "2001:0db8:*"
    assert mask_ip("no address") == "****"
    assert mask_address("四川省绵阳市涪城区临园路1号") == "四川省绵阳市涪城区****"
    assert mask_number("0512345678") == "******5678"


def test_the_database_is_the_one_asked_for() -> None:
    assert connection.vendor in ("sqlite", "postgresql")


def test_a_scope_without_place_matches_nothing(energy: str) -> None:
    assert regions_below(Scope("-").region_path) == []
