// The page works without this file; it makes searching quicker: answers are put in place without a page load, and a
// picture can be dropped anywhere or pasted. The server renders every state, so an address shows what it showed before.
import { patiently } from "./patience.js";

const PARTS = ["header", "#results"];
let running = null;

/** Fetches a page; null when a newer question has overtaken it. Throws when there is no page to be had. */
async function pageOf(address, options = {}) {
  running?.abort();
  running = new AbortController();
  const results = document.getElementById("results");
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await patiently(address, { ...options, signal: running.signal });
    // A shared server that no longer knows us.
    if (answer.status === 401) return location.reload(), null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById("results")) throw new Error(`no page at ${answer.url}`);
    results.removeAttribute("aria-busy");
    return { page, answer };
  } catch (problem) {
    if (problem.name === "AbortError") return null;
    results.removeAttribute("aria-busy");
    say(document.body.dataset.offline, { alert: true });
    throw problem;
  }
}

async function show(address, { push = true, scroll = 0, ...options } = {}) {
  const asked = field().value;
  const fetched = await pageOf(address, options).catch(() => null);
  if (!fetched) return;
  const { page, answer } = fetched;
  // A form that was refused is answered where it was sent: no new address.
  const moves = push && (answer.redirected || !options.method);
  if (moves) remember();
  const typed = field().value;
  const typing = document.activeElement === field() && matchMedia("(pointer: fine)").matches;
  for (const part of PARTS) {
    document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  }
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  Object.assign(document.body.dataset, page.body.dataset);
  // What was typed while the answer was on its way stays.
  if (push && typed !== asked) field().value = typed;
  if (typing) field().focus({ preventScroll: true });
  if (moves) history.pushState(null, "", answer.url);
  scrollTo(0, scroll);
  say(document.querySelector("#results h1")?.textContent ?? "");
}

/** Adds the next hits below the ones that are there; the address shows them all. */
async function showMore(link) {
  const there = document.querySelectorAll(".card").length;
  const fetched = await pageOf(link.href).catch(() => null);
  if (!fetched) return;
  const fresh = [...fetched.page.querySelectorAll(".card")].slice(there);
  document.querySelector(".grid").append(...fresh.map((card) => document.adoptNode(card)));
  const next = fetched.page.querySelector(".more");
  if (next) link.closest(".more").replaceWith(document.adoptNode(next));
  else link.closest(".more").remove();
  history.replaceState(history.state, "", fetched.answer.url.split("#")[0]);
  fresh[0]?.querySelector("h2 a, a.similar")?.focus({ preventScroll: true });
}

/** Read out by screen readers; an alert is seen by everyone. */
function say(sentence, { alert = false } = {}) {
  document.getElementById("said").textContent = sentence;
  if (!alert) return;
  document.querySelector("#results > .problem")?.remove();
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = sentence;
  document.getElementById("results").prepend(line);
}

function field() {
  return document.querySelector("#query input[type=search]");
}

function remember() {
  history.replaceState({ scroll: scrollY }, "");
}

function searchBy(picture) {
  const chosen = new DataTransfer();
  chosen.items.add(picture);
  const form = document.getElementById("query");
  form.elements.picture.files = chosen.files;
  form.requestSubmit();
}

/** The first picture of what was dropped or pasted; else the first file, which the server then names as unreadable. */
function pictureIn(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  show(form.action, { method: "POST", body: new FormData(form) });
});
document.addEventListener("change", (event) => {
  if (event.target.matches("select, input[type=file]")) document.getElementById("query").requestSubmit();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const address = new URL(link.href);
  if (address.origin !== location.origin || address.pathname !== "/") return;
  event.preventDefault();
  if (link.rel === "next") showMore(link);
  else show(address.href);
});
document.addEventListener("paste", (event) => {
  const picture = pictureIn(event.clipboardData);
  // Office programs put a picture of the text beside the text.
  if (!picture || event.clipboardData.getData("text/plain")) return;
  event.preventDefault();
  searchBy(picture);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  const picture = pictureIn(event.dataTransfer);
  if (!picture) return;
  event.preventDefault();
  searchBy(picture);
});
history.scrollRestoration = "manual";
addEventListener("popstate", (event) => show(location.href, { push: false, scroll: event.state?.scroll ?? 0 }));
addEventListener("scrollend", remember);
addEventListener("pagehide", remember);
if (history.state?.scroll) scrollTo(0, history.state.scroll);
