// Shows the drawing of one service. Plain module for the browser: no build step, no inline script.

import { fetchText, keepToken, token, watchToken } from "./access.js";
import { offerServices, openPicker } from "./picker.js";
import { report } from "./status.js";

const canvas = document.getElementById("map");
const foldAll = document.getElementById("fold-all");

/** The smallest scale of a drawing that is wider than the page; below it the page scrolls. */
const SMALLEST = 0.7;

/** Counts requested drawings, so that a late response does not replace a newer one. */
let latest = 0;

/** Return the id in the page's path, unchanged: the gateway checks it. Empty if there is none. */
const chosen = () => window.location.pathname.split("/").at(-1);

const WORDS = {
  403: "This token cannot read secrets.",
  404: "There is no such service for this token.",
  429: "Too many requests. Try again in a moment.",
};

// -------------------------------------------------------------------------------------- drawing

/** Draw what the page's address selects. */
async function draw() {
  const turn = ++latest;
  if (token === "") return;
  if (chosen() === "") {
    canvas.replaceChildren();
    foldAll.hidden = true;
    openPicker(true);
    report("idle", "Choose a service");
    return;
  }
  report("busy", "Drawing …");
  let response;
  let text;
  try {
    const address = `${chosen()}/drawing.svg${window.location.search}`;
    response = await fetchText(address, "image/svg+xml");
    text = await response.text();
  } catch {
    if (turn === latest) fail("The gateway could not be reached.");
    return;
  }
  if (turn !== latest) return;
  if (response.ok) show(text);
  else if (response.status === 401) refuse();
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

function use(credential) {
  keepToken(credential);
  offerServices(credential, refuse);
  void draw();
}

function refuse() {
  forget();
  fail("The token was not accepted.");
}

function forget() {
  keepToken("");
  latest += 1;
  offerServices("", refuse);
  foldAll.hidden = true;
  canvas.replaceChildren();
}

/** Follow links to services and folds in the page, so that the token need not be entered again. */
function follow(event) {
  const link = event.target.closest("main a:not([target]), #services a");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openPicker(false);
  go(link.getAttribute("href"));
}

function go(address) {
  window.history.pushState(null, "", address);
  void draw();
}

document.addEventListener("click", follow);
foldAll.addEventListener("click", () => go(window.location.pathname));
window.addEventListener("popstate", draw);
watchToken(use, forget);
