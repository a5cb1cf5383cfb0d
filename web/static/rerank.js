// The judge's page works without this file; it makes it quicker: a judged form is put in place without a page load,
// cards come and go at once, and pictures can be dropped or pasted where they belong.
import { patiently } from "./patience.js";

const PARTS = ["header", "main"];
let running = null;

/** Sends the form and puts the answered page in place. */
async function judge(form, button) {
  running?.abort();
  running = new AbortController();
  const sent = new FormData(form, button);
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  for (const each of document.querySelectorAll(".act")) each.disabled = true;
  say(document.body.dataset.judging);
  try {
    const answer = await patiently(form.action, { method: "POST", body: sent, signal: running.signal });
    // A shared server that no longer knows us.
    if (answer.status === 401) return location.assign("/login?next=/rerank");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.querySelector("main.judge")) throw new Error(`no page at ${answer.url}`);
    show(page);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    main.removeAttribute("aria-busy");
    for (const each of document.querySelectorAll(".act")) each.disabled = false;
    complain(document.body.dataset.offline);
  }
}

function show(page) {
  for (const part of PARTS) {
    document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  }
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  Object.assign(document.body.dataset, page.body.dataset);
  const told = document.querySelector(".problem") ?? document.getElementById("result");
  told?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  told?.focus({ preventScroll: true });
  say((told?.querySelector(".says") ?? told?.querySelector("h2"))?.textContent ?? "");
}

/** Read out by screen readers. */
function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

function complain(sentence) {
  document.querySelector("main > .problem")?.remove();
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = sentence;
  document.getElementById("judge").before(line);
  say(sentence);
}

function addSheet() {
  const sheets = document.querySelector(".sheets");
  const numbers = [...sheets.querySelectorAll("textarea")].map((each) => Number(each.name.split("-")[1]));
  const number = Math.max(-1, ...numbers) + 1;
  const sheet = document.getElementById("sheet").content.firstElementChild.cloneNode(true);
  for (const part of sheet.querySelectorAll("[name], [value]")) {
    if (part.name.endsWith("-N")) part.name = part.name.replace("-N", `-${number}`);
    if (part.value.endsWith("-N")) part.value = part.value.replace("-N", `-${number}`);
  }
  sheets.append(sheet);
  for (const each of sheets.querySelectorAll("textarea[rows='7']")) each.rows = 3;
  sheet.querySelector("textarea").focus();
}

function dropSheet(sheet) {
  const next = sheet.nextElementSibling ?? sheet.previousElementSibling;
  if (!next) return;
  sheet.remove();
  next.querySelector("textarea").focus();
}

function clearPicture(slot) {
  slot.classList.remove("filled", "named");
  slot.querySelector("img").hidden = true;
  slot.querySelector("input[type=file]").value = "";
  slot.querySelector("input[type=hidden]").value = "";
}

/** Shows the chosen picture; a file that no browser reads (some phones' formats) by its name. */
function preview(slot) {
  const picture = slot.querySelector("input[type=file]").files[0];
  if (!picture) return;
  const image = slot.querySelector("img");
  const reader = new FileReader();
  image.onerror = () => {
    image.hidden = true;
    slot.classList.add("named");
    slot.querySelector(".empty-slot span").textContent = picture.name;
  };
  reader.onload = () => {
    image.src = reader.result;
    image.hidden = false;
  };
  slot.classList.remove("named");
  slot.classList.add("filled");
  reader.readAsDataURL(picture);
}

/** Puts a dropped or pasted picture where it belongs: beside the text that it came to. */
function take(picture, place) {
  const side = place.closest?.(".sheet, .side");
  const slot = (side ?? document).querySelector(".slot");
  const chosen = new DataTransfer();
  chosen.items.add(picture);
  slot.querySelector("input[type=file]").files = chosen.files;
  preview(slot);
}

function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  judge(event.target, event.submitter);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=do]");
  if (!button) return;
  const act = button.value.split("-")[0];
  if (act === "add") addSheet();
  else if (act === "drop") dropSheet(button.closest(".sheet"));
  else if (act === "unpicture") clearPicture(button.closest(".slot"));
  else return;
  event.preventDefault();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file]")) preview(event.target.closest(".slot"));
  if (!event.target.matches("select[name=preset]")) return;
  const { instruction, filled } = event.target.form.elements;
  instruction.value = event.target.selectedOptions[0].dataset.instruction;
  filled.value = event.target.value;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const texts = [...document.querySelectorAll(".sheet textarea")].map((each) => each.value);
  const several = texts.length > 1 || /^---[ \t]*$/m.test(texts[0]);
  document.querySelector(several ? ".act[value=all]" : ".act[value=one]")?.click();
});
document.addEventListener("paste", (event) => {
  const picture = pictureIn(event.clipboardData);
  // Office programs put a picture of the text beside the text.
  if (!picture || event.clipboardData.getData("text/plain")) return;
  event.preventDefault();
  take(picture, event.target);
});
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const picture = pictureIn(event.dataTransfer);
  if (!picture) return;
  event.preventDefault();
  take(picture, event.target);
});
