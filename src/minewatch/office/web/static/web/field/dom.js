// Elements of the page, its words, and the forms in which it writes times and places.
const WORDS = JSON.parse(document.getElementById("words").textContent);

export function language() {
  const kept = localStorage.getItem("field-language");
  return kept in WORDS ? kept : navigator.language.toLowerCase().startsWith("zh") ? "zh-hans" : "en";
}

export const say = (key) => WORDS[language()][key] ?? key;
export const inTwo = (thing) => (language() === "en" ? thing.en : thing.zh);

export function el(name, said = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(said)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value !== "string") node[key] = value;
    else if (value !== undefined && value !== null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

let labels = 0;
// A control with its label; the control's id is made here.
export function labelled(text, control) {
  control.id ||= `f${(labels += 1)}`;
  return el("div", { class: "mb-3" }, el("label", { class: "form-label", for: control.id }, text), control);
}

export function choice(legend, options, chosen, onchange, name) {
  const radios = options.map(([value, text]) =>
    el("label", {},
      el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }), text));
  return el("fieldset", {}, el("legend", {}, legend), el("div", { class: "field-choice" }, radios));
}

export const badge = (text, colour) => el("span", { class: `badge bg-${colour}-lt` }, text);
export const at = (iso) => new Date(iso).toLocaleString(language() === "en" ? "en-GB" : "zh-CN");
export const where = (place) =>
  place ? `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)} (±${Math.round(place.accuracy_m ?? 0)} m)` : say("place_none");

// Where the phone is, or null where it does not tell within ten seconds.
export function seekPlace() {
  return new Promise((found) => {
    if (!navigator.geolocation) return found(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => found({ lon: coords.longitude, lat: coords.latitude, accuracy_m: coords.accuracy }),
      () => found(null),
      { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 });
  });
}
