// Sends what was finished and fetches what is new. Whatever is sent carries an id made here, so that it may be
// sent again when an answer was lost. One tab at a time does it.
import { become, openStore } from "./store.js";

const PLACES = JSON.parse(document.getElementById("places").textContent);
const AGAIN = new Set(["photo_missing", "photo_altered"]);

class Stop extends Error {}

export function sync(store) {
  return navigator.locks.request("field-sync", { ifAvailable: true }, async (lock) => {
    if (!lock) return { state: "busy", store };
    try {
      if (store) await sendAll(store);
      return { state: "done", store: await fetchPack(store) };
    } catch (stop) {
      if (!(stop instanceof Stop)) throw stop;
      return { state: stop.message, store };
    }
  });
}

export async function logOut() {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", token());
  const answer = await fetch(PLACES.logout, { method: "POST", body: form, redirect: "manual" });
  return answer.type === "opaqueredirect" || answer.ok;
}

export const login = () => `${PLACES.login}?next=${encodeURIComponent("/field/")}`;

async function sendAll(store) {
  const tried = new Set();
  for (;;) {
    const items = await store.outbox();
    const waits = new Set(items.map((one) => one.client_id));
    const item = items.find((one) => !one.refused && !waits.has(one.after) && !tried.has(one.client_id));
    if (!item) return;
    tried.add(item.client_id);
    const answer = (await sendPhotos(store, item)) ?? (await sendSheet(store, item));
    if (answer.refused) await store.noteRefused(item, answer.text);
    else await store.done(item, answer.revision);
  }
}

// Returns the answer by which a photo is not taken, or undefined.
async function sendPhotos(store, item) {
  for (const photo of await store.photosOf(item.client_id)) {
    if (photo.sent) continue;
    const form = new FormData();
    const { data, type, sent, ...said } = photo;
    form.set("said", JSON.stringify(said));
    form.set("file", new Blob([data], { type }), "photo");
    const answer = await post(item.inspection, `photos/${photo.client_id}/`, form);
    if (answer.refused) return answer;
    await store.noteSent(photo, true);
  }
}

async function sendSheet(store, item) {
  const answer = await post(item.inspection, "sheets/", JSON.stringify(await store.payload(item)));
  if (answer.refused && AGAIN.has(answer.code)) {
    for (const photo of await store.photosOf(item.client_id)) await store.noteSent(photo, false);
    throw new Stop("later");
  }
  return answer;
}

async function fetchPack(store) {
  const answer = await ask(PLACES.pack, {});
  const pack = await answer.json();
  await become(pack.user);
  const own = store && store.db.name.endsWith(pack.user) ? store : await openStore(pack.user);
  await own.takePack(pack);
  return own;
}

async function post(inspection, path, body) {
  const headers = { "X-CSRFToken": token() };
  if (typeof body === "string") headers["Content-Type"] = "application/json";
  const address = `${PLACES.field}${encodeURIComponent(inspection)}/${path}`;
  const answer = await ask(address, { method: "POST", body, headers });
  const said = await answer.json();
  return { ...said, refused: !answer.ok };
}

// An answer of the office; throws Stop where there is no network, no session, or nothing that it could say.
async function ask(address, said) {
  let answer;
  try {
    answer = await fetch(address, { ...said, redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(90_000) });
  } catch {
    throw new Stop("offline");
  }
  if (answer.type === "opaqueredirect") throw new Stop("login");
  const isJson = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
  if (answer.status === 403 && !isJson) throw new Stop("login");
  if (!isJson || answer.status >= 500 || answer.status === 429) throw new Stop("later");
  return answer;
}

function token() {
  return document.cookie.split("; ").find((part) => part.startsWith("csrftoken="))?.slice(10) ?? "";
}
