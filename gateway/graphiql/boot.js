// Starts GraphiQL on the gateway's page. Plain modules for the browser: no build step, no inline
// script.

import { stopAll, subscription } from "./events.js";
import { Refused, Unanswered, isSubscription, readResult, send } from "./requests.js";
import { failure, report, reportFailure } from "./status.js";
import { findSubject, fromAddress, subjectNamed } from "./subject.js";
import { markStep, showSteps, tellAbout } from "./tour.js";
import { Workbench } from "./workbench.js";

const access = document.getElementById("access");
const field = document.getElementById("token");
const hint = document.getElementById("hint");
const about = document.getElementById("about");

/** The API token in use; it is kept in memory only: not in storage, URL, history, cookie or DOM. */
let token = "";

/** Counts tokens entered and forgotten, so that a result for an earlier token is dropped. */
let turn = 0;

/** What a header can contain: visible ASCII without blanks. */
const TOKEN = /^[\x21-\x7e]+$/;

const named = fromAddress(window.location.search);

// GraphiQL's dialogs and menus add a <style> to lock scrolling; they read the nonce that the
// Content-Security-Policy requires from here. Browsers hide nonces from selectors.
window.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;

showSteps((step) => workbench.show(step));
const workbench = new Workbench(
  document.getElementById("graphiql"),
  subjectNamed(named),
  markStep,
);

// --------------------------------------------------------------------------------------- requests

/** Return GraphiQL's fetcher for one token. */
function fetcherWith(credential) {
  const explain = (problem) => explainTo(credential, problem);
  return (operation) =>
    isSubscription(operation)
      ? subscription(operation, credential, explain)
      : answer(operation, credential).catch(explain);
}

async function answer(operation, credential) {
  const result = await readResult(await send(operation, credential));
  report("good", "Connected");
  return result;
}

/** Return a result that explains a failed request. */
function explainTo(credential, problem) {
  if (problem instanceof Refused) {
    return refuse(credential);
  }
  const isAnswered = problem instanceof Unanswered;
  return reportFailure(isAnswered ? problem.message : "The gateway could not be reached.");
}

/** Drop a token that was not accepted, unless a newer one has already replaced it. */
function refuse(credential) {
  if (credential === token) {
    setToken("");
    report("bad", "The token was not accepted.");
  }
  return failure("The token was not accepted.");
}

/** GraphiQL's fetcher without a token. It sends nothing, since the response could only be 401. */
async function askForToken() {
  field.focus();
  return failure("Enter an API token first, at the top of the page.");
}

// -------------------------------------------------------------------------------------- the token

/** Use this token from now on; an empty one forgets the last. */
function setToken(credential) {
  const isThere = credential !== "";
  token = credential;
  turn += 1;
  stopAll();
  hint.hidden = isThere;
  about.hidden = !isThere;
  field.placeholder = isThere ? "In use. Enter another to change." : "";
  workbench.connect(isThere ? fetcherWith(credential) : askForToken, { hasSchema: isThere });
}

/** Take the token out of the field, and use it if a header can carry it. */
function takeToken(event) {
  event.preventDefault();
  const entered = field.value.trim();
  field.value = "";
  if (!TOKEN.test(entered)) {
    report("bad", "A token is a single word of letters, digits and signs.");
    return;
  }
  report("busy", "Checking the token …");
  void begin(entered);
}

/** Find what the tour can show with this token, then use it. */
async function begin(credential) {
  turn += 1;
  const mine = turn;
  const found = await findSubject(named, credential).catch((problem) => problem);
  if (mine !== turn) {
    return;
  }
  if (found instanceof Refused) {
    setToken("");
    report("bad", "The token was not accepted.");
    return;
  }
  // GraphiQL shows other errors when it asks for the schema.
  const subject = found instanceof Error ? subjectNamed(named) : found;
  tellAbout(subject);
  workbench.fill(subject);
  setToken(credential);
}

/** Forget the token: the copy of the page behind the back button must not contain it. */
function forget() {
  field.value = "";
  setToken("");
  report("idle", "No token yet");
}

access.addEventListener("submit", takeToken);
window.addEventListener("pagehide", forget);
forget();
field.focus();
