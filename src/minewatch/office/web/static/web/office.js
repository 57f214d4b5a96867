// Light or dark, kept for the next visit.
document.querySelectorAll("[data-theme-switch]").forEach((button) => {
  button.addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.bsTheme);
  });
});
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
// A part of a page that cannot be loaded says so where it would stand.
document.addEventListener("htmx:responseError", ({ detail: { target } }) => {
  const told = document.createElement("p");
  told.className = "card-body m-0 text-secondary";
  told.setAttribute("role", "alert");
  told.textContent = document.body.dataset.notLoaded;
  target.replaceChildren(told);
});
// On paper everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("main details:not(.office-pop)").forEach((part) => {
  if (!part.open) part.dataset.closed = "yes";
  part.open = true;
}));
addEventListener("afterprint", () => document.querySelectorAll("details[data-closed]").forEach((part) => {
  part.open = false;
  delete part.dataset.closed;
}));
