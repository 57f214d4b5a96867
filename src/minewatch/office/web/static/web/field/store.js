// What the phone keeps, in IndexedDB: one database an account. Each step is one transaction, so that a page
// that is closed between two of them has either done a step or not begun it.
import { openDB, deleteDB } from "../../vendor/idb.js";

const USER = "field-user";
const NAME = (key) => `minewatch-field-${key}`;
const KEPT_MS = 72 * 3600 * 1000;

export const userKey = () => localStorage.getItem(USER);

export async function openStore(key) {
  const db = await openDB(NAME(key), 1, {
    upgrade(base) {
      base.createObjectStore("meta");
      base.createObjectStore("inspections", { keyPath: "number" });
      base.createObjectStore("drafts", { keyPath: "inspection" });
      base.createObjectStore("outbox", { keyPath: "client_id" });
      base.createObjectStore("photos", { keyPath: "client_id" }).createIndex("sheet", "sheet_client_id");
    },
    blocking: () => db.close(),
  });
  return new Store(db);
}

// The account of a pack becomes the phone's; another's data go, unless something of theirs was not sent.
export async function become(key) {
  const before = userKey();
  if (before && before !== key) {
    const other = await openStore(before);
    if ((await other.unsent()) === 0) await other.wipe();
    else other.db.close();
  }
  localStorage.setItem(USER, key);
}

class Store {
  constructor(db) { this.db = db; }

  meta(key) { return this.db.get("meta", key); }
  inspections() { return this.db.getAll("inspections"); }
  inspection(number) { return this.db.get("inspections", number); }
  draft(number) { return this.db.get("drafts", number); }
  drafts() { return this.db.getAll("drafts"); }
  photosOf(sheet) { return this.db.getAllFromIndex("photos", "sheet", sheet); }
  saveDraft(draft) { return this.db.put("drafts", draft); }
  savePhoto(photo) { return this.db.put("photos", photo); }
  removePhoto(clientId) { return this.db.delete("photos", clientId); }

  // Sheets to be sent, in the order in which they were written.
  async outbox() {
    const items = await this.db.getAll("outbox");
    return items.sort((a, b) => a.payload.written_at.localeCompare(b.payload.written_at));
  }

  async waiting(number) {
    return (await this.outbox()).filter((item) => item.inspection === number);
  }

  async unsent() {
    return (await this.db.count("drafts")) + (await this.db.count("outbox"));
  }

  // What the office gave; inspections that are over go, unless something for them is not sent yet.
  async takePack(pack) {
    const tx = this.db.transaction(["meta", "inspections", "drafts", "outbox"], "readwrite");
    const held = new Set((await tx.objectStore("drafts").getAll()).map((one) => one.inspection));
    for (const one of await tx.objectStore("outbox").getAll()) held.add(one.inspection);
    const given = new Set(pack.inspections.map((one) => one.number));
    for (const number of await tx.objectStore("inspections").getAllKeys()) {
      if (!given.has(number) && !held.has(number)) tx.objectStore("inspections").delete(number);
    }
    for (const one of pack.inspections) tx.objectStore("inspections").put(one);
    tx.objectStore("meta").put({ name: pack.name, at: Date.now(), checklist: pack.checklist }, "pack");
    await tx.done;
  }

  // What is older than three days and has nothing unsent goes from the phone.
  async expire() {
    const pack = await this.meta("pack");
    if (pack && Date.now() - pack.at > KEPT_MS) await this.takePack({ ...pack, inspections: [] });
  }

  // The draft becomes a sheet to be sent, in one step. One that goes on from a sheet that waits comes after it.
  async finish(draft, payload) {
    const tx = this.db.transaction(["drafts", "outbox"], "readwrite");
    const { client_id } = payload;
    tx.objectStore("outbox").put({ client_id, inspection: draft.inspection, after: draft.after, payload, draft });
    tx.objectStore("drafts").delete(draft.inspection);
    await tx.done;
  }

  // A sheet that the office did not take becomes a draft again; only its refusal allows that.
  async reopen(item) {
    const tx = this.db.transaction(["drafts", "outbox"], "readwrite");
    tx.objectStore("drafts").put(item.draft);
    tx.objectStore("outbox").delete(item.client_id);
    await tx.done;
  }

  async noteRefused(item, text) {
    await this.db.put("outbox", { ...item, refused: text });
  }

  noteSent(photo, sent) { return this._change(photo.client_id, { sent }); }
  captionPhoto(clientId, caption) { return this._change(clientId, { caption }); }
  placePhoto(clientId, place) { return this._change(clientId, { place }); }

  // Changes a photo that is still here.
  async _change(clientId, values) {
    const tx = this.db.transaction("photos", "readwrite");
    const kept = await tx.store.get(clientId);
    if (kept) tx.store.put({ ...kept, ...values });
    await tx.done;
  }

  // The office has the sheet, as a revision that later ones build on: it goes from the phone with its photos.
  async done(item, revision) {
    const tx = this.db.transaction(["meta", "outbox", "photos"], "readwrite");
    if (revision) tx.objectStore("meta").put(revision, `sent-${item.client_id}`);
    await drop(tx, "outbox", item.client_id, item.client_id);
    await tx.done;
  }

  // What is to be sent of a sheet: one that went on from another builds on the revision which that became.
  async payload(item) {
    const base = item.after && (await this.meta(`sent-${item.after}`));
    return base ? { ...item.payload, base } : item.payload;
  }

  async discard(draft) {
    const tx = this.db.transaction(["drafts", "photos"], "readwrite");
    await drop(tx, "drafts", draft.inspection, draft.client_id);
    await tx.done;
  }

  async wipe() {
    const name = this.db.name;
    this.db.close();
    await deleteDB(name);
    if (NAME(userKey()) === name) localStorage.removeItem(USER);
  }
}

async function drop(tx, from, key, sheet) {
  tx.objectStore(from).delete(key);
  for (const photo of await tx.objectStore("photos").index("sheet").getAllKeys(sheet)) {
    tx.objectStore("photos").delete(photo);
  }
}
