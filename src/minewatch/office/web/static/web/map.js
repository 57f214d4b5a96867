// The map of sites: outlines and sites come from the office itself; there are no tiles.
document.addEventListener("DOMContentLoaded", async () => {
  const element = document.getElementById("map");
  const words = JSON.parse(document.getElementById("map-words").textContent);
  const form = document.getElementById("map-states");
  const map = L.map(element, { attributionControl: false, preferCanvas: true, worldCopyJump: true, maxZoom: 14 }).setView([35, 104], 4);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--tblr-${name}`).trim() || "#666";
  const outlines = await (await fetch(element.dataset.outlines)).json();
  const shapes = L.geoJSON(outlines, { interactive: false, style: { color: colour("secondary"), weight: 1, fillOpacity: 0.04 } }).addTo(map);
  const spots = L.layerGroup().addTo(map);
  const net = L.layerGroup().addTo(map);
  L.control.scale({ imperial: false }).addTo(map);

  // without tiles the eye needs a net of degrees
  const drawNet = () => {
    net.clearLayers();
    const [west, south, east, north] = map.getBounds().toBBoxString().split(",").map(Number);
    const step = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05].find((degrees) => (east - west) / degrees >= 4) ?? 0.05;
    const style = { color: colour("body-color"), weight: 0.5, opacity: 0.2, interactive: false };
    for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) L.polyline([[south, lon], [north, lon]], style).addTo(net);
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) L.polyline([[lat, west], [lat, east]], style).addTo(net);
  };
  const label = (text) => {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  };
  // the name of a region stands in the middle of its sites
  const nameRegions = (features) => {
    Object.entries(Object.groupBy(features, ({ properties }) => properties.region)).forEach(([region, members]) => {
      const mean = (at) => members.reduce((sum, { geometry }) => sum + geometry.coordinates[at], 0) / members.length;
      L.marker([mean(1), mean(0)], { interactive: false, keyboard: false, icon: L.divIcon({ className: "office-region", html: "" }) })
        .bindTooltip(label(region), { permanent: true, direction: "top", className: "office-region-name" }).addTo(spots);
    });
  };
  const list = document.getElementById("map-list");

  const link = ({ code, name }) => {
    const anchor = document.createElement("a");
    anchor.href = element.dataset.site.replace("CODE", encodeURIComponent(code));
    anchor.textContent = `${code} ${name}`;
    return anchor;
  };
  const entry = (properties) => {
    const item = document.createElement("li");
    const power = properties.power_kw === null ? "" : `, ${Math.round(properties.power_kw).toLocaleString()} ${words.power}`;
    item.append(link(properties), ` ${properties.state}${power}`);
    return item;
  };
  const show = async (box) => {
    const asked = new URLSearchParams(new FormData(form));
    if (box) asked.set("box", [box.getWest(), box.getSouth(), box.getEast(), box.getNorth()].map((side) => Math.max(-360, Math.min(360, side)).toFixed(4)).join(","));
    const found = await (await fetch(`${element.dataset.sites}?${asked}`)).json();
    spots.clearLayers();
    found.features.forEach(({ geometry: { coordinates: [lon, lat] }, properties }) => {
      const radius = 4 + Math.min(16, Math.sqrt(properties.power_kw ?? 0) / 4);
      L.circleMarker([lat, lon], { radius, color: colour(properties.colour), weight: 1.5, fillOpacity: 0.45 }).bindPopup(() => {
        const popup = document.createElement("div");
        popup.append(entry(properties));
        return popup;
      }).addTo(spots);
    });
    nameRegions(found.features);
    list.replaceChildren(...found.features.slice(0, 20).map(({ properties }) => entry(properties)));
    const number = found.features.length.toLocaleString();
    document.getElementById("map-status").textContent = found.has_more
      ? `${number} ${words.sites}, ${words.more} ${number}+`
      : `${number} ${words.sites}`;
    return found.features.map(({ geometry: { coordinates: [lon, lat] } }) => [lat, lon]);
  };

  const places = await show(null);
  const bounds = shapes.getLayers().length ? shapes.getBounds() : L.latLngBounds(places);
  if (bounds.isValid()) map.fitBounds(bounds.pad(0.1), { maxZoom: 11 });
  drawNet();
  map.on("moveend", () => {
    drawNet();
    show(map.getBounds());
  });
  form.addEventListener("change", () => show(map.getBounds()));
});
