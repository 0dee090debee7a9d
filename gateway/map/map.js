// Shows the drawing of one service. Plain module for the browser: no build step, no inline script.

const canvas = document.getElementById("map");
const access = document.getElementById("access");
const field = document.getElementById("token");
const status = document.getElementById("status");
const hint = document.getElementById("hint");
const foldAll = document.getElementById("fold-all");

/** The API token in use; it is kept in memory only: not in storage, URL, history, cookie or DOM. */
let token = "";

/** The smallest scale of a drawing that is wider than the page; below it the page scrolls. */
const SMALLEST = 0.7;

/** Counts requested drawings, so that a late response does not replace a newer one. */
let latest = 0;

/** What a header can contain: visible ASCII without blanks. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The id in the page's path, unchanged; the gateway checks it. */
const SERVICE = window.location.pathname.split("/").at(-1);

// ------------------------------------------------------------------------------------ words shown

/** Show the status. `state` is one of idle, busy, good, bad. */
function report(state, words) {
  status.dataset.state = state;
  status.textContent = words;
}

const WORDS = {
  401: "The token was not accepted.",
  403: "This token cannot read secrets.",
  404: "There is no such service for this token.",
  429: "Too many requests. Try again in a moment.",
};

// -------------------------------------------------------------------------------------- drawing

/** Request the drawing. A redirect is an error: the token goes to this gateway only. */
function ask(credential) {
  return fetch(`${SERVICE}/drawing.svg${window.location.search}`, {
    mode: "same-origin",
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
    headers: { accept: "image/svg+xml", authorization: `Bearer ${credential}` },
  });
}

/** Draw what the page's address selects. */
async function draw() {
  if (token === "") return;
  const turn = ++latest;
  report("busy", "Drawing …");
  let response;
  let text;
  try {
    response = await ask(token);
    text = await response.text();
  } catch {
    if (turn === latest) fail("The gateway could not be reached.");
    return;
  }
  if (turn !== latest) return;
  if (response.status === 401) forget();
  if (response.ok) show(text);
  else fail(WORDS[response.status] ?? `The gateway answered ${response.status}.`);
}

/** Put the drawing into the page. Scripts in it cannot run: it is parsed as data, under the CSP. */
function show(text) {
  const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (drawing.localName !== "svg") {
    fail("The gateway's response is not a drawing.");
    return;
  }
  drawing.style.minWidth = `${SMALLEST * Number(drawing.getAttribute("width"))}px`;
  canvas.replaceChildren(document.adoptNode(drawing));
  document.title = `${drawing.querySelector("title").textContent} · Secrets Gateway`;
  // A link to another page opens a new tab: this page would forget the token.
  for (const link of canvas.querySelectorAll("a:not([href^='?'])")) {
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener");
  }
  foldAll.hidden = window.location.search === "";
  report("good", "Drawn");
}

function fail(words) {
  canvas.replaceChildren();
  report("bad", words);
}

// --------------------------------------------------------------------------------------- the page

/** Take the token out of the field, and use it if a header can carry it. */
function takeToken(event) {
  event.preventDefault();
  const entered = field.value.trim();
  field.value = "";
  if (!TOKEN.test(entered)) {
    report("bad", "A token is a single word of letters, digits and signs.");
    return;
  }
  token = entered;
  hint.hidden = true;
  field.placeholder = "In use. Enter another to change.";
  draw();
}

/** Forget the token: the copy of the page behind the back button must not contain it. */
function forget() {
  token = "";
  latest += 1;
  field.value = "";
  field.placeholder = "";
  hint.hidden = false;
  foldAll.hidden = true;
  canvas.replaceChildren();
  report("idle", "No token yet");
}

/** Open or close folds without leaving the page, so that the token need not be entered again. */
function follow(event) {
  const link = event.target.closest("a[href^='?']");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
}

function go(search) {
  window.history.pushState(null, "", window.location.pathname + search);
  draw();
}

access.addEventListener("submit", takeToken);
canvas.addEventListener("click", follow);
foldAll.addEventListener("click", () => go(""));
window.addEventListener("popstate", draw);
window.addEventListener("pagehide", forget);
forget();
