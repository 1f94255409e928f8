// What makes the page handier where scripts run; everything works without it.
"use strict";

// Only the fields of the chosen authentication are there; what is hidden is not sent either.
for (const block of document.querySelectorAll("[data-authentication]")) {
  const show = () => {
    const chosen = block.querySelector("input[name=auth]:checked");
    for (const part of block.querySelectorAll("[data-kind]")) {
      part.hidden = part.dataset.kind !== (chosen ? chosen.value : "none");
      for (const field of part.querySelectorAll("input[type=password]")) field.disabled = part.hidden;
    }
  };
  block.addEventListener("change", show);
  show();
}

// The event types of the chosen group.
for (const block of document.querySelectorAll("[data-events]")) {
  const group = block.querySelector("#group");
  const types = block.querySelector("#event_type");
  const show = () => {
    for (const option of types.querySelectorAll("[data-group]")) {
      option.hidden = option.disabled = group.value !== "" && option.dataset.group !== group.value;
      if (option.disabled && option.selected) types.value = "";
    }
  };
  group.addEventListener("change", show);
  show();
}

// A form is sent once, and its button says that something is under way; after a while without an answer it can be sent again.
const PATIENCE = 15000; // milliseconds, more than a test may take
for (const form of document.querySelectorAll("form[method=post]")) {
  let sending = false;
  form.addEventListener("submit", (event) => {
    if (sending) return event.preventDefault();
    sending = true;
    const button = event.submitter;
    const text = button ? button.textContent : "";
    if (button && button.dataset.busy) button.textContent = button.dataset.busy;
    const again = () => {
      sending = false;
      if (button && button.dataset.busy) button.textContent = text;
    };
    setTimeout(again, PATIENCE);
    addEventListener("pagehide", again, { once: true }); // the browser's history shows the page as it was left
  });
}

// Copying a text; where the clipboard cannot be written, the text is selected, so that the keyboard can.
for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const said = button.parentElement.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      said.textContent = "Selected: copy it with your keyboard";
    }
  });
}
