/* Gives unfold's scroll areas names of their own, so that screen readers can tell them apart. */
for (const area of document.querySelectorAll("[data-simplebar]")) {
  const name = area.id === "nav-sidebar-apps" ? "Navigation" : area.querySelector("table") ? "Table" : "Filters";
  area.dataset.simplebarAriaLabel = name;
}

/* Names the fields in which one searches for a row; empty ones would have no name at all. They are made by
   a script of Django's, before the page is loaded or after it. */
function nameSearches() {
  for (const field of document.querySelectorAll(".select2-selection[aria-labelledby]:not([data-named])")) {
    const select = field.closest(".select2").previousElementSibling;
    const label = select && document.querySelector(`label[for="${select.id}"]`);
    if (!label) continue;
    label.id ||= `${select.id}_label`;
    const shown = field.querySelector("[role=textbox]");
    shown?.setAttribute("aria-labelledby", label.id);
    field.setAttribute("aria-labelledby", shown ? `${label.id} ${shown.id}` : label.id);
    field.dataset.named = "";
  }
}
new MutationObserver(nameSearches).observe(document.body, { childList: true, subtree: true });
nameSearches();

/* Brings the tab that is open into sight where a phone shows but some of them. */
for (const tab of document.querySelectorAll(".sm-tabs a[aria-current]")) {
  const tabs = tab.closest(".sm-tabs");
  tabs.scrollLeft += tab.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
}
