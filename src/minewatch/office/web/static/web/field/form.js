// The form of one visit. Every change is written to the phone before the next one.
import { at, badge, choice, el, inTwo, labelled, say, seekPlace, where } from "./dom.js";

const MOST_BYTES = 25_000_000;
const RATES = { "TH/s": 1e12, "GH/s": 1e9, "MH/s": 1e6, "kSol/s": 1e3, "H/s": 1 };
const ALGORITHMS = ["SHA-256", "scrypt", "Ethash", "kHeavyHash", "Equihash", "X11", "Blake3", "Eaglesong", "RandomX", "KawPow"];
const MODELS = ["Antminer S9", "Antminer S19", "Antminer S19 Pro", "Antminer S19j Pro", "Antminer S19 XP", "Antminer S21",
  "Antminer T21", "Antminer L7", "Antminer L9", "Antminer KS5", "WhatsMiner M21S", "WhatsMiner M30S", "WhatsMiner M30S++",
  "WhatsMiner M50S", "WhatsMiner M60", "WhatsMiner M63S", "AvalonMiner 1246", "Avalon A1466", "GPU"];

export async function showForm(root, store, inspection, finished) {
  const pack = await store.meta("pack");
  const draft = (await store.draft(inspection.number)) ?? fresh(inspection, pack.checklist.edition, await store.waiting(inspection.number));
  const form = { root, store, inspection, draft, checklist: pack.checklist, finished, saving: Promise.resolve() };
  form.photos = await store.photosOf(draft.client_id);
  draw(form);
}

// A new draft goes on from what was written last: a sheet that waits to be sent, else the office's newest.
function fresh(inspection, edition, waiting) {
  const last = waiting.at(-1);
  const seen = structuredClone(last?.payload ?? inspection.sheet ?? {});
  return {
    answers: {}, readings: [], machines: [], verdict: null, words: "", place: null, arrived_at: null, left_at: null,
    ...seen, photos: undefined, written_at: undefined, checklist: edition, inspection: inspection.number,
    client_id: crypto.randomUUID(), base: inspection.revision, after: last?.client_id ?? null, merges: [],
  };
}

// Writes the draft; writings follow each other in their order.
function keep(form) {
  const copy = structuredClone(form.draft);
  form.saving = form.saving.then(() => form.store.saveDraft(copy)).then(
    () => tell(form, `${say("saved")} ${new Date().toLocaleTimeString()}`),
    () => tell(form, say("full")));
  return form.saving;
}

function tell(form, text) {
  const line = form.root.querySelector("#saved");
  if (line) line.textContent = text;
}

function draw(form) {
  const { inspection, draft } = form;
  form.root.replaceChildren(
    el("p", {}, el("a", { href: "#", id: "back" }, `← ${say("back")}`)),
    el("h2", { class: "h3 mb-1" }, inspection.name),
    el("p", { class: "text-secondary" }, `${inspection.number} · ${inspection.address}`),
    draft.base < inspection.revision ? el("div", { class: "alert alert-warning", role: "alert" }, say("newer")) : "",
    el("form", { class: "field-form", onsubmit: (event) => event.preventDefault() },
      part(say("visit"), visit(form), true),
      ...form.checklist.groups.map((group) => part(inTwo(group), group.questions.map((one) => question(form, one)), true)),
      part(say("machines"), el("div", { id: "machines" }, machines(form)), true),
      part(say("readings"), el("div", { id: "readings" }, readings(form)), true),
      part(say("photos"), el("div", { id: "photos" }, photos(form)), true),
      part(say("conclusion"), conclusion(form), true)),
    el("p", { id: "saved", role: "status", class: "text-secondary" }),
    el("div", { id: "missing" }),
    el("div", { class: "field-bar mb-4" },
      el("button", { class: "btn btn-primary btn-lg", type: "button", id: "finish", onclick: () => check(form) }, say("finish")),
      el("button", { class: "btn", type: "button", id: "discard", onclick: () => discard(form) }, say("discard"))));
}

const part = (title, inner, open) =>
  el("details", { class: "card card-body mb-3", open }, el("summary", {}, title), inner);

function redraw(form, id, make) {
  form.root.querySelector(`#${id}`).replaceChildren(...[make(form)].flat());
}

function visit(form) {
  const { draft } = form;
  const told = el("div", { class: "field-lines mt-2", id: "visit-told" });
  const show = (seeking) => told.replaceChildren(
    draft.arrived_at ? el("p", {}, `${say("arrived")} ${at(draft.arrived_at)}`) : "",
    draft.arrived_at ? el("p", {}, `${say("place")} ${seeking ? say("place_seeking") : where(draft.place)}`) : "",
    draft.left_at ? el("p", {}, `${say("left")} ${at(draft.left_at)}`) : "");
  const arrive = async () => {
    draft.arrived_at = new Date().toISOString();
    await keep(form);
    show(true);
    draft.place = await seekPlace();
    await keep(form);
    show(false);
  };
  const leave = () => { draft.left_at = new Date().toISOString(); keep(form); show(false); };
  show(false);
  return [
    el("div", { class: "field-bar" },
      el("button", { class: "btn", type: "button", id: "arrive", onclick: arrive }, say("arrive")),
      el("button", { class: "btn", type: "button", id: "leave", onclick: leave }, say("leave"))),
    told,
  ];
}

function question(form, one) {
  const said = form.draft.answers[one.id] ?? { answer: "", note: "" };
  const set = (key) => (value) => { form.draft.answers[one.id] = { ...(form.draft.answers[one.id] ?? { answer: "", note: "" }), [key]: value }; keep(form); };
  const title = `${inTwo(one)}${one.required ? " *" : ""}`;
  if (one.kind === "text") {
    return labelled(title, el("textarea", { class: "form-control", rows: "2", maxlength: "4000", name: one.id,
      oninput: (event) => set("answer")(event.target.value) }, said.answer));
  }
  const options = one.kind === "yes_no" ? [["yes", say("yes")], ["no", say("no")]] : one.choices.map((each) => [each.id, inTwo(each)]);
  return el("div", { class: "mb-3" },
    choice(title, options, said.answer, set("answer"), one.id),
    el("input", { class: "form-control", "aria-label": `${say("note")}: ${inTwo(one)}`, placeholder: say("note"), maxlength: "4000",
      value: said.note, oninput: (event) => set("note")(event.target.value) }));
}

function machines(form) {
  const model = el("input", { class: "form-control", list: "models", id: "new-model", maxlength: "80", autocomplete: "off" });
  const number = el("input", { class: "form-control", type: "number", min: "1", max: "1000000", inputmode: "numeric", id: "new-number" });
  const add = () => {
    const [name, count] = [model.value.trim(), Math.round(number.valueAsNumber || 0)];
    if (!name || count < 1) return (name ? number : model).focus();
    const there = form.draft.machines.find((one) => one.how === "seen" && one.model === name);
    if (there) there.number += count;
    else form.draft.machines.push({ how: "seen", model: name, number: count });
    keep(form);
    redraw(form, "machines", machines);
    form.root.querySelector("#new-model").focus();
  };
  return [
    ...form.draft.machines.map((one) => (one.how === "seen" ? counted(form, one) : imported(one))),
    el("datalist", { id: "models" }, MODELS.map((name) => el("option", { value: name }))),
    el("div", { class: "row g-2 align-items-end mt-1" },
      el("div", { class: "col-7" }, labelled(say("model"), model)),
      el("div", { class: "col-5" }, labelled(say("number"), number))),
    el("button", { class: "btn", type: "button", id: "add-machine", onclick: add }, say("add")),
  ];
}

const imported = (one) =>
  el("div", { class: "field-entry" }, `${one.model} × ${one.number} `, badge(one.how === "scan" ? "LAN" : "CSV/XLSX", "azure"));

function counted(form, one) {
  const number = el("input", { class: "form-control", type: "number", min: "0", max: "1000000", inputmode: "numeric",
    "aria-label": `${say("number")}: ${one.model}`, value: String(one.number),
    oninput: (event) => { one.number = Math.max(0, Math.round(event.target.valueAsNumber || 0)); keep(form); } });
  const step = (by, word) => el("button", { class: "btn", type: "button", "aria-label": `${say(word)}: ${one.model}`,
    onclick: () => { one.number = Math.max(0, one.number + by); number.value = String(one.number); keep(form); } }, by > 0 ? "+" : "−");
  const remove = () => { form.draft.machines.splice(form.draft.machines.indexOf(one), 1); keep(form); redraw(form, "machines", machines); };
  return el("div", { class: "field-entry" },
    el("div", { class: "field-count" }, el("strong", {}, one.model), step(-1, "less"), number, step(1, "more")),
    el("details", {}, el("summary", { "aria-label": `${say("details")}: ${one.model}` }, say("details")),
      el("div", { class: "field-count-more" }, details(form, one)),
      el("button", { class: "btn btn-sm", type: "button", "aria-label": `${say("remove")}: ${one.model}`, onclick: remove }, say("remove"))));
}

function details(form, one) {
  one.rate ??= { value: one.hash_rate_each ? one.hash_rate_each / 1e12 : null, unit: "TH/s" };
  const rate = () => {
    one.hash_rate_each = one.rate.value === null ? null : one.rate.value * RATES[one.rate.unit];
    keep(form);
  };
  const figure = (value, set) => el("input", { class: "form-control", type: "number", min: "0", step: "any", inputmode: "decimal",
    value: value === null || value === undefined ? "" : String(value),
    oninput: (event) => set(Number.isNaN(event.target.valueAsNumber) ? null : event.target.valueAsNumber) });
  const select = (options, value, set) => el("select", { class: "form-select", onchange: (event) => set(event.target.value) },
    options.map((text) => el("option", { value: text, selected: text === value }, text)));
  return [
    labelled(say("hash_rate"), figure(one.rate.value, (value) => { one.rate.value = value; rate(); })),
    labelled(say("unit"), select(Object.keys(RATES), one.rate.unit, (value) => { one.rate.unit = value; rate(); })),
    labelled(say("algorithm"), select(["", ...ALGORITHMS], one.algorithm ?? "", (value) => { one.algorithm = value; keep(form); })),
    labelled(say("power"), figure(one.power_each_w, (value) => { one.power_each_w = value; keep(form); })),
    labelled(say("running"), figure(one.running, (value) => { one.running = value === null ? null : Math.round(value); keep(form); })),
  ];
}

function readings(form) {
  const what = el("input", { class: "form-control", maxlength: "120", id: "new-what" });
  const value = el("input", { class: "form-control", type: "number", step: "any", inputmode: "decimal", id: "new-value" });
  const unit = el("input", { class: "form-control", maxlength: "20", value: "kWh", id: "new-unit" });
  const add = () => {
    const number = value.valueAsNumber;
    if (!what.value.trim() || Number.isNaN(number)) return (what.value.trim() ? value : what).focus();
    form.draft.readings.push({ what: what.value.trim(), value: number, unit: unit.value.trim(), at: new Date().toISOString(), note: "" });
    keep(form);
    redraw(form, "readings", readings);
  };
  const remove = (one) => { form.draft.readings.splice(form.draft.readings.indexOf(one), 1); keep(form); redraw(form, "readings", readings); };
  return [
    ...form.draft.readings.map((one) => el("div", { class: "field-entry field-bar" },
      el("span", { class: "flex-fill" }, `${one.what}: ${one.value} ${one.unit}`),
      el("button", { class: "btn btn-sm", type: "button", "aria-label": `${say("remove")}: ${one.what}`, onclick: () => remove(one) }, say("remove")))),
    labelled(say("what"), what),
    el("div", { class: "row g-2" },
      el("div", { class: "col-7" }, labelled(say("value"), value)), el("div", { class: "col-5" }, labelled(say("unit"), unit))),
    el("button", { class: "btn", type: "button", id: "add-reading", onclick: add }, say("add")),
  ];
}

function photos(form) {
  const input = el("input", { class: "form-control", type: "file", accept: "image/*", capture: "environment", multiple: true, id: "camera",
    onchange: async (event) => { for (const file of [...event.target.files]) await take(form, file); } });
  return [
    labelled(say("take_photo"), input),
    el("ul", { class: "field-photos" }, form.photos.map((photo) => shown(form, photo))),
  ];
}

// A photo is kept at once; its place follows when the phone has found it.
async function take(form, file) {
  if (file.size > MOST_BYTES) return tell(form, say("photo_large"));
  const data = await file.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const photo = {
    client_id: crypto.randomUUID(), sheet_client_id: form.draft.client_id,
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    taken_at: new Date(Math.min(file.lastModified || Date.now(), Date.now())).toISOString(),
    place: null, caption: "", data, type: file.type, sent: false,
  };
  try {
    await keep(form);
    await form.store.savePhoto(photo);
  } catch {
    return tell(form, say("full"));
  }
  form.photos.push(photo);
  redraw(form, "photos", photos);
  photo.place = await seekPlace();
  await form.store.placePhoto(photo.client_id, photo.place);
  if (form.root.querySelector("#photos")) redraw(form, "photos", photos);
}

function shown(form, photo) {
  const canvas = el("canvas", { width: 320, height: 240, role: "img", "aria-label": photo.caption || say("photos") });
  createImageBitmap(new Blob([photo.data], { type: photo.type })).then((image) => {
    canvas.height = Math.max(1, Math.round((image.height / image.width) * 320));
    canvas.getContext("2d").drawImage(image, 0, 0, 320, canvas.height);
  }, () => canvas.remove());
  const remove = async () => {
    await form.store.removePhoto(photo.client_id);
    form.photos.splice(form.photos.indexOf(photo), 1);
    redraw(form, "photos", photos);
  };
  const caption = (event) => {
    photo.caption = event.target.value;
    form.saving = form.saving.then(() => form.store.captionPhoto(photo.client_id, photo.caption)).catch(() => tell(form, say("full")));
  };
  return el("li", {}, canvas,
    el("input", { class: "form-control", "aria-label": say("caption"), placeholder: say("caption"), maxlength: "200", value: photo.caption, oninput: caption }),
    el("small", { class: "d-block text-secondary" }, `${at(photo.taken_at)} · ${where(photo.place)} · SHA-256 ${photo.sha256.slice(0, 12)}…`),
    el("button", { class: "btn btn-sm", type: "button", onclick: remove }, say("remove")));
}

function conclusion(form) {
  const { draft } = form;
  const verdicts = [["", say("verdict_none")], ...["active", "victim", "not_mining"].map((one) => [one, say(`verdict_${one}`)])];
  return [
    labelled(say("verdict"), el("select", { class: "form-select", name: "verdict",
      onchange: (event) => { draft.verdict = event.target.value || null; keep(form); } },
    verdicts.map(([value, text]) => el("option", { value, selected: value === (draft.verdict ?? "") }, text)))),
    labelled(say("words"), el("textarea", { class: "form-control", rows: "4", maxlength: "20000", name: "words",
      oninput: (event) => { draft.words = event.target.value; keep(form); } }, draft.words)),
  ];
}

// Says which questions are open; finishing all the same is the inspector's to decide.
function check(form) {
  const questions = form.checklist.groups.flatMap((group) => group.questions);
  const open = questions.filter((one) => one.required && !form.draft.answers[one.id]?.answer);
  if (!open.length) return finish(form);
  const box = form.root.querySelector("#missing");
  box.replaceChildren(el("div", { class: "alert alert-warning", role: "alert" },
    el("p", {}, say("missing")), el("ul", {}, open.map((one) => el("li", {}, inTwo(one)))),
    el("button", { class: "btn", type: "button", id: "finish-anyway", onclick: () => finish(form) }, say("finish_anyway"))));
  box.querySelector("button").focus();
}

async function finish(form) {
  const { inspection, after, ...said } = structuredClone(form.draft);
  await form.saving;
  const named = (await form.store.photosOf(said.client_id)).map(({ client_id, sha256 }) => ({ client_id, sha256 }));
  const payload = {
    ...said,
    machines: said.machines.filter((one) => one.number > 0).map(({ rate, ...one }) => one),
    photos: named, written_at: new Date().toISOString(),
  };
  await form.store.finish(form.draft, payload);
  await form.finished();
}

async function discard(form) {
  if (!confirm(say("discard_sure"))) return;
  await form.saving;
  await form.store.discard(form.draft);
  location.hash = "";
}
