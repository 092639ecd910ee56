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
