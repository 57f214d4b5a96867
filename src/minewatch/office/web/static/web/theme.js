// Before the first paint: the theme that was chosen, else the one that the system asks for.
(() => {
  const wanted = localStorage.getItem("theme") ||
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.bsTheme = wanted;
})();
