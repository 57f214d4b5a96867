"""Pages of tokens, machines and webhooks; what webhooks tell of; the interface's scope and its queries."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from minewatch.office.conftest import AT, LogIn, OpenAccount
from minewatch.office.platform import events, tokens, webhooks
from minewatch.office.platform.models import AuditEntry, Event, Hook, HookDelivery, Region, Token, User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.models import Site, Source
from minewatch.office.verify import orders
from minewatch.office.verify.models import Case
from minewatch.office.verify.services import open_case
from minewatch.office.web.api.doors import ASKED_FOR
from minewatch.office.web.api.interface import document
from minewatch.office.web.tests.programs import Program, program_of
from minewatch.office.web.tokens.forms import PERMISSIONS
from minewatch.office.web.webhooks.happenings import KINDS

pytestmark = pytest.mark.django_db
_MOST_QUERIES = 12


@pytest.fixture
def li_na(account: OpenAccount) -> User:
    return account("li.na", "energy-510000", Role.OFFICER)


@pytest.fixture
def case(sites: list[Site], li_na: User) -> Case:
    with scoped(whole("test")):
        assert li_na.agency is not None
        return open_case(sites[0], li_na.agency, "王小明 said so", By(li_na, timezone.now()))


def key_in(answer: Any, mark: str) -> str:
    found = re.search(rf"data-{mark}>([^<]+)<", answer.content.decode())
    assert found is not None
    return found[1]


def test_a_person_makes_and_revokes_a_token(sites: list[Site], li_na: User, log_in: LogIn) -> None:
    client = log_in(li_na)
    form = {"name": "monthly", "permissions": ["register.see_things"], "region": "510703", "days": "30"}
    shown = client.post(reverse("token_new"), form)
    assert shown["Cache-Control"] == "no-store"
    caller = Program(key_in(shown, "key"))
    assert len(caller.get("sites").json()["items"]) == 3
    prefix = Token.objects.get().prefix
    assert prefix in client.get(reverse("tokens")).content.decode()
    page = client.get(reverse("token", args=[prefix])).content.decode()
    assert caller.key.split("_", 2)[2] not in page
    assert client.post(reverse("token_revoke", args=[prefix])).status_code == 302
    assert caller.get("me").status_code == 401
    assert (
        client.post(reverse("token_new"), form | {"permissions": ["intake.deliver_findings"]}).status_code
        == 422
    )
    assert client.post(reverse("token_new"), form | {"days": "4000"}).status_code == 409


def test_nobody_sees_the_tokens_of_others(account: OpenAccount, li_na: User, log_in: LogIn) -> None:
    program_of(li_na)
    prefix = Token.objects.get().prefix
    other = log_in(account("wang.wei", "energy-510000", Role.OFFICER))
    assert prefix not in other.get(reverse("tokens")).content.decode()
    for route in ("token", "token_draw", "token_revoke"):
        assert other.get(reverse(route, args=[prefix])).status_code == 404
    assert other.get(reverse("all_tokens")).status_code == 403
    security = log_in(account("an.quan", "energy-510000", administers=Administrator.SECURITY))
    assert prefix in security.get(reverse("all_tokens")).content.decode()
    assert security.get(reverse("token_new")).status_code == 403
    assert security.post(reverse("any_token_revoke", args=[prefix])).status_code == 302
    assert Token.objects.get().revoked_at is not None


def test_a_machines_key_is_shown_to_its_keeper_alone(
    account: OpenAccount, li_na: User, log_in: LogIn
) -> None:
    security = log_in(account("an.quan", "energy-510000", administers=Administrator.SECURITY))
    machine = {"username": "scada", "title": "SCADA", "agency": "energy-510000", "roles": ["viewer"]}
    assert security.post(reverse("machine_new"), machine).status_code == 302
    said = {"name": "nightly", "permissions": ["register.see_things"], "region": "510000", "days": "30"}
    made = security.post(reverse("machine_token", args=["scada"]), said | {"keeper": "li.na"})
    assert made.status_code == 302
    assert "mwt_" not in security.get(made["Location"]).content.decode()
    prefix = Token.objects.get().prefix
    assert security.get(reverse("token_draw", args=[prefix])).status_code == 403
    keeper = log_in(li_na)
    key = key_in(keeper.post(reverse("token_draw", args=[prefix])), "key")
    assert Program(key).get("me").json()["account"] == "scada"
    assert keeper.post(reverse("token_draw", args=[prefix])).status_code == 409
    assert security.post(reverse("account_password", args=["scada"])).status_code == 409


def test_an_agency_keeps_its_webhooks(
    case: Case, li_na: User, account: OpenAccount, log_in: LogIn, settings: Any
) -> None:
    settings.WEBHOOK_HOSTS = frozenset({"127.0.0.1:9"})
    client = log_in(li_na)
    form = {
        "name": "ledger",
        "url": "http://127.0.0.1:9/in",
        "region": "510000",
        "kinds": ["verify.order_given"],
    }
    assert client.post(reverse("hook_new"), form | {"url": "http://127.0.0.1:10/in"}).status_code == 409
    secret = key_in(client.post(reverse("hook_new"), form), "secret")
    hook = Hook.objects.get()
    with scoped(whole("test")):
        assert li_na.agency is not None
        orders.assign(case, orders.OrderGiven(li_na.agency, "ask 王小明"), By(li_na, timezone.now()))
        events.deliver(timezone.now())
    row = HookDelivery.objects.get()
    now = timezone.now() + timedelta(seconds=1)
    webhooks.attempt(row.pk, now)
    page = client.get(reverse("hook", args=[hook.pk])).content.decode()
    assert f"evt_{row.event_id}_{hook.pk}" in page
    assert secret not in page
    sent = client.get(reverse("hook_delivery", args=[hook.pk, row.pk])).content.decode()
    assert "NewConnectionError" in sent
    HookDelivery.objects.update(state="dead")
    assert client.post(reverse("hook_replay", args=[hook.pk])).status_code == 302
    assert HookDelivery.objects.get().state == "waiting"
    assert key_in(client.post(reverse("hook_secret", args=[hook.pk])), "secret") != secret
    other = log_in(account("ma.jun", "energy-620000", Role.OFFICER))
    for path in (reverse("hook", args=[hook.pk]), reverse("hook_delivery", args=[hook.pk, row.pk])):
        assert other.get(path).status_code == 404
    system = log_in(account("xi.tong", "energy-510000", administers=Administrator.SYSTEM))
    seen = system.get(reverse("all_hooks")).content.decode()
    assert "ledger" in seen
    assert case.number not in seen
    assert system.get(reverse("hook", args=[hook.pk])).status_code == 403
    assert system.post(reverse("hook_stop", args=[hook.pk])).status_code == 302
    assert not Hook.objects.get().active


def test_webhooks_tell_ids_and_links_and_nothing_of_a_person(
    case: Case, sites: list[Site], li_na: User, settings: Any
) -> None:
    settings.WEBHOOK_HOSTS = frozenset({"127.0.0.1:9"})
    given = webhooks.HookGiven(
        "all", "http://127.0.0.1:9/", frozenset(KINDS), Region.objects.get(code="510000")
    )
    webhooks.subscribe(given, By(li_na, AT))
    with scoped(whole("test")):
        assert li_na.agency is not None
        order = orders.assign(case, orders.OrderGiven(li_na.agency, "ask 王小明"), By(li_na, timezone.now()))
        orders.receive(order, By(li_na, timezone.now()))
        said = facts.Said(facts.source(Source.Kind.PERSON, "li.na", By(li_na, AT)), By(li_na, AT))
        facts.state(sites[0], {"name": "王小明的矿场"}, said)
        events.deliver(timezone.now())
        events.deliver(timezone.now())
    rows = HookDelivery.objects.order_by("event")
    kinds = [row.kind for row in rows]
    assert kinds.count("verify.order_given") == 1
    assert {"register.site_registered", "verify.case_moved", "verify.order_received"} <= set(kinds)
    assert rows.count() == Event.objects.filter(kind__in=KINDS).count() - 1, "one site lies elsewhere"
    assert "王小明" not in str(list(rows.values()))
    assert "203.0.113" not in str(list(rows.values()))
    caller = program_of(li_na)
    for link in {link for row in rows for link in row.payload["links"].values()}:
        assert caller.get(link.removeprefix("/api/v1/")).status_code == 200


def test_every_permission_of_the_interface_has_words() -> None:
    assert set(PERMISSIONS) == ASKED_FOR


LISTS = [
    path.removeprefix("/api/v1/").replace("{phase}", "operating")
    for path, operations in document()["paths"].items()
    if "get" in operations and "Page_" in str(operations["get"]["responses"].get("200"))
]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_few_queries_however_long_it_is(
    path: str, case: Case, li_na: User, account: OpenAccount
) -> None:
    user = account("fen.xi", "energy-510000", Role.OFFICER, Role.ANALYST)
    caller = program_of(user)
    caller.get("me")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = caller.get(path)
    assert answer.status_code == 200
    assert len(asked) <= _MOST_QUERIES, [query["sql"][:120] for query in asked]
    page = f"sites/{case.site.code}"
    with CaptureQueriesContext(connection) as asked:
        assert caller.get(page).status_code == 200
    assert len(asked) <= _MOST_QUERIES + 2


def test_a_walk_finds_nothing_outside_the_tokens_region(
    sites: list[Site], case: Case, account: OpenAccount
) -> None:
    """Every operation that reads, as every role of another province: no code, name or number of Sichuan."""
    forbidden = [
        sites[0].code,
        "工业路1号",
        "清流科技",
        "203.0.113",
        "0051000012345",
        case.number,
        "bc1qexample",
    ]
    numbers = {"code": sites[0].code, "number": "1", "kind": "enterprises", "phase": "operating"}
    for role in Role:
        user = account(f"gansu-{role}", "energy-620000", role) if role != Role.SUPERVISOR else _supervisor()
        caller = program_of(user)
        for path, operations in document()["paths"].items():
            if "get" not in operations:
                continue
            filled = path.removeprefix("/api/v1/").format(**numbers | {"number": _number(path, case)})
            answer = caller.get(f"{filled}{_query(path)}")
            text = answer.content.decode()
            assert answer.status_code in (200, 403, 404), (path, answer.status_code)
            assert [one for one in forbidden if one in text] == [], (role, path)


def _supervisor() -> User:
    from minewatch.office.conftest import OFFICE, PASSWORD
    from minewatch.office.platform.services import AccountGiven, open_account

    return open_account(AccountGiven("gansu-chief", PASSWORD, "energy-620000", (Role.SUPERVISOR,)), OFFICE)


def _number(path: str, case: Case) -> str:
    return case.number if path.startswith("/api/v1/cases") else "1"


def _query(path: str) -> str:
    if path.endswith("/search"):
        return "?text=工业路"
    return "?purpose=a walk" if path.endswith(("/file", "/labels")) else ""


def test_the_page_of_the_interface_brings_its_own_scripts(li_na: User, log_in: LogIn) -> None:
    page = log_in(li_na).get(reverse("api_docs"))
    text = page.content.decode()
    assert "swagger-ui-bundle.js" in text
    assert "http://" not in text.replace("http://testserver", "").replace("http://www.w3.org", "")
    assert "https://" not in text
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert Client().get(reverse("api_docs")).status_code == 302
    assert Client().get("/api/v1/openapi.json").json()["openapi"].startswith("3.")


def test_a_token_that_another_made_is_kept_out_of_reach(li_na: User) -> None:
    by = By(li_na, timezone.now())
    token, _key = tokens.make(
        tokens.TokenGiven("x", frozenset({"register.see_things"}), li_na.region, 1),  # type: ignore[arg-type]
        by,
    )
    assert str(token.hash) not in str(list(AuditEntry.objects.values()))
