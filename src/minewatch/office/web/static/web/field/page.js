// The page: a list of the own inspections and the form of one; works the same with and without a network.
import { at, badge, el, language, say } from "./dom.js";
import { showForm } from "./form.js";
import { openStore, userKey } from "./store.js";
import { login, logOut, sync } from "./sync.js";

const content = document.getElementById("content");
const head = document.getElementById("head");
const EVERY_MS = 60_000;
let store = null;
let state = "";
let ready = false;
let running = null;

async function begin() {
  if (userKey()) {
    store = await openStore(userKey());
    await store.expire();
  }
  addEventListener("hashchange", show);
  addEventListener("online", () => run());
  addEventListener("offline", drawHead);
  document.addEventListener("visibilitychange", () => document.hidden || run());
  setInterval(run, EVERY_MS);
  await show();
  keepFiles();
  await run();
}

async function keepFiles() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("/field/worker.js", { scope: "/field/" });
    await navigator.serviceWorker.ready;
    ready = true;
    navigator.storage?.persist?.();
  } catch {
    ready = Boolean(navigator.serviceWorker.controller); // without a network the worker that is there stays
  }
  await drawHead();
}

// One at a time: who asks while one runs waits for that.
function run() {
  running ??= runOnce().finally(() => { running = null; });
  return running;
}

// Sends and fetches, then shows what changed; a form that is being written is left as it is.
async function runOnce() {
  if (!navigator.onLine) return drawHead();
  state = "syncing";
  await drawHead();
  const answer = await sync(store);
  state = answer.state;
  store = answer.store;
  await drawHead();
  if (!chosen()) await showList();
}

const chosen = () => new URLSearchParams(location.hash.slice(1)).get("n");

async function show() {
  document.documentElement.lang = language();
  document.title = `${say("title")} · Minewatch 清矿`;
  await drawHead();
  const number = chosen();
  const inspection = number && store ? await store.inspection(number) : null;
  if (inspection) await showForm(content, store, inspection, finished);
  else await showList();
}

async function finished() {
  location.hash = "";
  await showList();
  await running; // it may have passed by what was just finished
  await run();
}

async function drawHead() {
  const unsent = store ? await store.unsent() : 0;
  const online = navigator.onLine && state !== "offline";
  head.replaceChildren(
    el("h1", {}, say("title")),
    el("div", { class: "field-bar" },
      el("span", { role: "status", id: "net", "data-state": state, "data-ready": String(ready) },
        badge(say(online ? "online" : "offline"), online ? "green" : "orange"),
        unsent ? el("span", { class: "ms-1" }, badge(`${unsent} ${say("unsent")}`, "yellow")) : ""),
      el("button", { class: "btn btn-sm", type: "button", lang: language() === "en" ? "zh-hans" : "en", onclick: swapLanguage },
        language() === "en" ? "中文" : "English")));
}

function swapLanguage() {
  localStorage.setItem("field-language", language() === "en" ? "zh-hans" : "en");
  show();
}

async function showList() {
  const inspections = store ? await store.inspections() : [];
  const drafts = new Map(store ? (await store.drafts()).map((one) => [one.inspection, one]) : []);
  const outbox = store ? await store.outbox() : [];
  inspections.sort((a, b) => a.planned_for.localeCompare(b.planned_for) || a.number.localeCompare(b.number));
  content.replaceChildren(
    ...notices(),
    el("h2", { class: "h3" }, say("mine")),
    inspections.length ? "" : el("p", { class: "text-secondary" }, say("none")),
    ...inspections.map((one) => card(one, drafts.get(one.number), outbox.filter((item) => item.inspection === one.number))),
    el("div", { class: "field-bar mt-3" },
      el("button", { class: "btn btn-primary", type: "button", id: "sync", onclick: run }, say("sync")),
      el("button", { class: "btn", type: "button", id: "logout", onclick: leave }, say("logout"))));
}

function notices() {
  const told = [];
  if (state === "login") {
    told.push(el("div", { class: "alert alert-warning", role: "alert", id: "login-again" },
      el("span", {}, `${say("login")} `), el("a", { href: login() }, say("login_link"))));
  }
  if (!navigator.serviceWorker) told.push(el("div", { class: "alert alert-danger", role: "alert" }, say("not_secure")));
  return told;
}

function card(one, draft, waiting) {
  const marks = [
    draft ? badge(say("draft"), "yellow") : "",
    waiting.some((item) => !item.refused) ? badge(say("waiting"), "orange") : "",
    one.conflict ? badge(say("conflict"), "red") : "",
    one.revision ? badge(`${say("sent_revision")} ${one.revision}`, "green") : "",
  ];
  return el("article", { class: "card card-body mb-3 field-lines" },
    el("h3", { class: "h4 mb-1" },
      el("a", { class: "text-primary", href: `#${new URLSearchParams({ n: one.number })}` }, one.name)),
    el("p", { class: "text-secondary" }, one.number),
    el("p", {}, `${say("planned_for")} ${one.planned_for} · ${say("with")} ${one.team.join("、")}`),
    el("p", {}, one.address),
    el("div", { class: "field-bar" }, marks),
    ...waiting.filter((item) => item.refused).map(refusal));
}

function refusal(item) {
  return el("div", { class: "alert alert-danger mt-2 mb-0", role: "alert" },
    el("p", {}, `${say("refused")}: ${item.refused} (${at(item.payload.written_at)})`),
    el("div", { class: "field-bar" },
      el("button", { class: "btn", type: "button", onclick: async () => { await store.reopen(item); await show(); } }, say("reopen")),
      el("button", { class: "btn", type: "button", onclick: async () => {
        if (confirm(say("discard_sure"))) { await store.done(item); await show(); }
      } }, say("discard"))));
}

// Logs out and leaves nothing on the phone.
async function leave() {
  if (!navigator.onLine) return alert(say("logout_offline"));
  if (store && (await store.unsent()) && !confirm(say("logout_unsent"))) return;
  let gone = false;
  try { gone = await logOut(); } catch { gone = false; }
  if (!gone) return alert(say("logout_offline"));
  if (store) await store.wipe();
  for (const name of await caches.keys()) if (name.startsWith("field-")) await caches.delete(name);
  for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  location.href = login();
}

begin();
