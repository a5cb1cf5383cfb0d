// The page works without this file; it makes searching quicker: results are replaced in place, and a picture can be
// dropped anywhere or pasted. The server renders every state, so an address always shows what it showed before.
let running = null;

async function show(request, { push = true } = {}) {
  running?.abort();
  running = new AbortController();
  document.getElementById("results").classList.add("busy");
  try {
    const answer = await fetch(request, { signal: running.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["form.query", "#results", ".language"]) {
      document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
    }
    document.title = page.title;
    if (push) history.pushState(null, "", answer.url);
    watch();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    document.getElementById("results").classList.remove("busy");
    location.assign(typeof request === "string" ? request : location.href);
  }
}

function watch() {
  const current = document.querySelector("form.query");
  current.addEventListener("submit", (event) => {
    event.preventDefault();
    show(new Request(current.action, { method: "POST", body: new FormData(current) }));
  });
  current.elements.picture.addEventListener("change", () => current.requestSubmit());
  for (const select of current.querySelectorAll("select")) {
    select.addEventListener("change", () => current.requestSubmit());
  }
}

function searchBy(picture) {
  const chosen = new DataTransfer();
  chosen.items.add(picture);
  const current = document.querySelector("form.query");
  current.elements.picture.files = chosen.files;
  current.requestSubmit();
}

function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));
}

document.addEventListener("paste", (event) => {
  const picture = pictureIn(event.clipboardData);
  if (!picture) return;
  event.preventDefault();
  searchBy(picture);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
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
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.similar, .empty a, .chip a, .more a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  show(link.href).then(() => scrollTo(0, 0));
});
addEventListener("popstate", () => show(location.href, { push: false }));
watch();
