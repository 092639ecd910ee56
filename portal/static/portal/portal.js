// Copies what is shown once. Listens on the document, because dialogs come and go.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const box = button.parentElement;
  const field = box.querySelector("input");
  field.focus();
  field.select();
  box.querySelector("[role=status]").textContent = (await copy(field.value)) ? box.dataset.copied : box.dataset.byHand;
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard without https, or the browser refuses it: the old way, on the text that is selected.
    return document.execCommand("copy");
  }
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches(".portal-once input")) event.target.select();
});

// Says with every dialog which tenant the page shows: another window may have gone over to a different one.
document.addEventListener("htmx:configRequest", (event) => {
  const shown = document.querySelector("meta[name=portal-tenant]");
  if (shown) event.detail.headers["X-Portal-Tenant"] = shown.content;
});

// Leads from what is told about a form to the field that it is about, on whichever tab and however folded away.
document.addEventListener("click", (event) => {
  const field = document.getElementById(event.target.closest("[data-field]")?.dataset.field);
  if (!field) return;
  for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  setTimeout(() => field.focus()); // once its tab is shown
});

// A dialog that asks for a file sends it; htmx would send its name.
document.addEventListener("htmx:load", (event) => {
  const form = event.target.querySelector("input[type=file]")?.form;
  if (form) form.setAttribute("hx-encoding", "multipart/form-data");
});

// A line of a mapping: the part says which names are offered, the type says which options there are.
function settle(select) {
  const line = select.closest(".form-group");
  if (!line) return;
  if (select.dataset.names) line.querySelector("input[list]")?.setAttribute("list", `${select.dataset.names}-${select.value}`);
  if (!("options" in select.dataset)) return;
  for (const option of line.querySelectorAll("[data-types]")) {
    const unneeded = !option.dataset.types.split(" ").includes(select.value);
    option.closest(".field-line")?.toggleAttribute("hidden", unneeded);
  }
}
const settleAll = (within) => within.querySelectorAll("select[data-names], select[data-options]").forEach(settle);
document.addEventListener("DOMContentLoaded", () => settleAll(document));
document.addEventListener("formset:added", (event) => settleAll(event.target));
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-names], select[data-options]")) settle(event.target);
});

// What the preview tells of a line stands by the field it is about as well.
function tellLines() {
  document.querySelectorAll(".portal-line-finding").forEach((said) => said.remove());
  for (const link of document.querySelectorAll("#mapping-preview [data-field]")) {
    const place = document.getElementById(link.dataset.field)?.closest(".grow");
    const sentence = link.nextElementSibling.textContent;
    if (!place || place.textContent.includes(sentence)) continue;
    const said = document.createElement("p");
    said.className = `portal-line-finding ${link.closest("li").className}`;
    said.textContent = sentence;
    place.append(said);
  }
}
document.addEventListener("DOMContentLoaded", tellLines);
document.addEventListener("htmx:afterSwap", tellLines);

// A line of a form whose choice asks for some of its fields only hides the others: data-asks="is:name,value none:pass".
function showAsked(choice) {
  const asked = new Map(choice.dataset.asks.split(" ").map((each) => each.split(":")));
  const shown = (asked.get(choice.value) ?? "").split(",");
  for (const name of new Set([...asked.values()].join(",").split(","))) {
    const field = document.getElementById(choice.id.replace(/[^-]+$/, name));
    if (field) (field.closest(".related-widget-wrapper") ?? field).classList.toggle("portal-unasked", !shown.includes(name));
  }
}

function showAllAsked() {
  for (const choice of document.querySelectorAll("select[data-asks]")) showAsked(choice);
}

document.addEventListener("change", (event) => event.target.matches("select[data-asks]") && showAsked(event.target));
document.addEventListener("formset:added", showAllAsked);
document.addEventListener("DOMContentLoaded", showAllAsked);
