"""Accounts: passwords of kinds, age and history; suspension; what takes two people."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError

from minewatch.office.conftest import AT, OFFICE, PASSWORD, OpenAccount
from minewatch.office.platform import accounts
from minewatch.office.platform.models import Agency, AuditEntry, Region, User
from minewatch.office.platform.passwords import make_password, must_be_changed
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.services import AccountGiven, By, change_agency, open_account, set_roles


@pytest.fixture
def security(account: OpenAccount) -> list[By]:
    """Two security administrators."""
    names = ("zhao.1", "zhao.2")
    opened = [account(name, "energy-510000", administers=Administrator.SECURITY) for name in names]
    return [By(user, AT) for user in opened]


def refusal(function: Any, *values: Any) -> str:
    with pytest.raises(Refused) as refused:
        function(*values)
    assert str(refused.value)
    return refused.value.code


@pytest.mark.parametrize(
    "weak", ["short-1A", "onlysmallletters", "Capitalandsmall", "123456789012", "Password1234"]
)
def test_weak_passwords_are_refused(account: OpenAccount, weak: str) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    with pytest.raises(ValidationError):
        accounts.change_password(user, weak, By(user, AT))


def test_the_last_passwords_are_not_taken_again_and_old_ones_are(account: OpenAccount) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    with pytest.raises(ValidationError):
        accounts.change_password(user, PASSWORD, By(user, AT))
    for number in range(5):
        accounts.change_password(user, f"{PASSWORD}-{number}", By(user, AT))
    accounts.change_password(user, PASSWORD, By(user, AT))
    assert user.check_password(PASSWORD)


def test_a_password_grows_old(account: OpenAccount, settings: Any) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    settings.PASSWORD_DAYS = 90
    assert not must_be_changed(user, AT + timedelta(days=89))
    assert must_be_changed(user, AT + timedelta(days=90))
    settings.PASSWORD_DAYS = 0
    assert not must_be_changed(user, AT + timedelta(days=900))


def test_a_given_password_is_temporary_and_fits_the_rules(account: OpenAccount, security: list[By]) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    password = accounts.reset_password(user, security[0])
    user = User.objects.get(pk=user.pk)
    assert user.check_password(password)
    assert must_be_changed(user, AT)
    accounts.change_password(user, "another-River-7-lantern", By(user, AT))
    assert not must_be_changed(User.objects.get(pk=user.pk), AT)
    assert password not in str(list(AuditEntry.objects.values_list("details", flat=True)))
    given = AccountGiven("wang.wu", make_password(), "energy-510000", (Role.OFFICER,), is_temporary=True)
    assert must_be_changed(open_account(given, security[0]), AT)


def test_a_supervisor_takes_two_administrators(account: OpenAccount, security: list[By]) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    first, second = security
    assert refusal(set_roles, user, [Role.SUPERVISOR], first) == "takes_two"
    supervisor = AccountGiven("wang.wu", PASSWORD, "energy-510000", (Role.SUPERVISOR,))
    assert refusal(open_account, supervisor, first) == "takes_two"
    assert refusal(accounts.ask_role, user, Role.SUPERVISOR, " ", first) == "reason_missing"
    asked = accounts.ask_role(user, Role.SUPERVISOR, "succeeds 王五", first)
    assert refusal(accounts.ask_role, user, Role.SUPERVISOR, "once more", second) == "role_there"
    assert refusal(accounts.decide_role, asked, True, first) == "second_person"
    accounts.decide_role(asked, True, second)
    assert refusal(accounts.decide_role, asked, False, second) == "decided_already"
    assert {given.role for given in user.roles.all()} == {Role.OFFICER, Role.SUPERVISOR}
    set_roles(User.objects.get(pk=user.pk), [Role.SUPERVISOR], first)  # taking one away does not take two


def test_a_refused_role_is_not_given(account: OpenAccount, security: list[By]) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    asked = accounts.ask_role(user, Role.SUPERVISOR, "succeeds 王五", security[0])
    accounts.decide_role(asked, False, security[1])
    assert [given.role for given in user.roles.all()] == [Role.OFFICER]


def test_administrators_are_not_opened_by_an_account(security: list[By]) -> None:
    given = AccountGiven("x.y", PASSWORD, "energy-510000", administers=Administrator.AUDIT)
    assert refusal(open_account, given, security[0]) == "takes_two"


def test_nobody_administers_the_own_account(security: list[By]) -> None:
    own = security[0]
    assert own.user is not None
    for function, values in (
        (accounts.suspend, ("reason",)),
        (accounts.restore, ()),
        (accounts.unlock, ()),
        (accounts.reset_password, ()),
        (accounts.remove_second_factor, ()),
        (accounts.ask_role, (Role.SUPERVISOR, "reason")),
    ):
        assert refusal(function, own.user, *values, own) == "own_account"


def test_an_account_is_suspended_and_restored(account: OpenAccount, security: list[By]) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    accounts.suspend(user, "left the bureau", security[0])
    assert not User.objects.get(pk=user.pk).is_active
    accounts.restore(user, security[0])
    assert User.objects.get(pk=user.pk).is_active
    actions = AuditEntry.objects.filter(subject_id="li.na").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["account_opened", "account_suspended", "account_restored"]


def test_a_lost_second_factor_is_taken_away(account: OpenAccount, security: list[By], log_in: Any) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    log_in(user)
    accounts.remove_second_factor(user, security[0])
    assert not Authenticator.objects.filter(user=user).exists()


def test_an_account_stands_inside_its_agencys_region(account: OpenAccount, security: list[By]) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    county, outside = Region.objects.get(code="510703"), Region.objects.get(code="620000")
    agency = Agency.objects.get(code="energy-510000")
    assert refusal(accounts.place, user, agency, outside, security[0]) == "region_outside"
    accounts.place(user, agency, county, security[0])
    assert User.objects.get(pk=user.pk).region == county


def test_an_agency_ends_when_nobody_stands_in_it(account: OpenAccount) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    agency = Agency.objects.get(code="energy-510000")
    assert refusal(change_agency, agency, {"active": False}, OFFICE) == "agency_has_accounts"
    accounts.suspend(user, "left the bureau", OFFICE)
    change_agency(agency, {"active": False, "name_en": "Energy"}, OFFICE)
    assert not Agency.objects.get(pk=agency.pk).active
