// Progress for those whose browser runs scripts. Everything works without it.
"use strict";

const form = document.getElementById("send");
const checking = document.getElementById("checking");
if (form) prepare(form);
if (checking) follow(checking);

function prepare(form) {
  for (const place of form.querySelectorAll(".drop")) {
    const input = place.querySelector("input");
    input.addEventListener("change", () => name(input));
    place.addEventListener("dragover", (event) => { event.preventDefault(); place.classList.add("over"); });
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", async (event) => {
      event.preventDefault();
      place.classList.remove("over");
      input.files = await dropped(event.dataTransfer);
      name(input);
    });
    name(input);
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
}

// The files of what was dropped, those inside folders too.
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return transfer.files;
  const found = new DataTransfer();
  for (const entry of entries) await collect(entry, found);
  return found.files;
}

async function collect(entry, found) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) {
    found.items.add(await new Promise((done, failed) => entry.file(done, failed)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const inner of some) await collect(inner, found);
  }
}

function size(files) {
  return [...files].reduce((sum, file) => sum + file.size, 0);
}

function words(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

function name(input) {
  const files = [...input.files];
  const some = files.slice(0, 5).map((file) => file.name).join(", ");
  const more = files.length > 5 ? ` and ${files.length - 5} more` : "";
  document.getElementById(`${input.id}-chosen`).textContent = files.length ? `${some}${more} (${words(size(files))})` : "";
}

function send(form) {
  const data = new FormData(form);
  const bytes = size(form.elements.files.files) + size(form.elements.previous.files);
  if (bytes > Number(form.dataset.limit)) {
    return trouble("The upload is too large", `This page takes up to ${form.dataset.words} in one go.`,
      "Send it as a zip, or check it with hub validate on the command line, which has no such limit.");
  }
  document.getElementById("trouble").textContent = "";
  const button = form.querySelector("button[type=submit]");
  const bar = document.getElementById("sent");
  const say = document.getElementById("sending-words");
  const sending = (on) => { button.disabled = on; document.getElementById("sending").hidden = !on; };
  sending(true);
  say.textContent = "Sending the files";
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = 100 * event.loaded / event.total;
  });
  request.upload.addEventListener("load", () => { bar.value = 100; say.textContent = "The files are there"; });
  request.addEventListener("load", () => {
    const answer = request.response || {};
    if (request.status === 201) { location.assign(answer.at); return; }
    sending(false);
    trouble(answer.title || "The upload failed", answer.message || "", answer.remedy || "Try again.");
  });
  request.addEventListener("error", () => {
    sending(false);
    trouble("The upload failed", "The connection broke, or a file could not be read.", "Choose the files again.");
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.send(data);
}

function trouble(title, message, remedy) {
  const place = document.getElementById("trouble");
  const head = document.createElement("b");
  head.textContent = title;
  place.replaceChildren(head, `. ${message} ${remedy}`);
}

async function follow(place) {
  const bar = document.getElementById("bar");
  const step = document.getElementById("step");
  for (let misses = 0; misses < 20;) {
    await new Promise((done) => setTimeout(done, 500));
    let now;
    try {
      const answer = await fetch(place.dataset.progress, { cache: "no-store" });
      if (answer.status === 404) { location.reload(); return; }
      now = await answer.json();
    } catch {
      misses += 1;
      continue;
    }
    misses = 0;
    if (now.ended) { location.replace(`${place.dataset.report}#verdict`); return; }
    const said = `${now.step[0].toUpperCase()}${now.step.slice(1)}${now.total ? `, ${now.done + 1} of ${now.total}` : ""}`;
    if (step.textContent !== said) step.textContent = said;
    document.getElementById("seconds").textContent = now.seconds;
    if (now.total) { bar.max = now.total; bar.value = now.done; } else bar.removeAttribute("value");
  }
  step.textContent = "The server does not answer any more.";
}
