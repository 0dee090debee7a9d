// Starts GraphiQL on the gateway's page. Plain modules for the browser: no build step, no inline
// script.

import { askForToken, keepToken, token, watchToken } from "./access.js";
import { stopAll, subscription } from "./events.js";
import { Refused, Unanswered, isSubscription, readResult, send } from "./requests.js";
import { failure, report, reportFailure } from "./status.js";
import { findSubject, fromAddress, subjectNamed } from "./subject.js";
import { markStep, showSteps, tellAbout } from "./tour.js";
import { Workbench } from "./workbench.js";

const about = document.getElementById("about");

/** Counts tokens entered and forgotten, so that a result for an earlier token is dropped. */
let turn = 0;

const named = fromAddress(window.location.search);

// GraphiQL's dialogs and menus add a <style> to lock scrolling; they read the nonce that the
// Content-Security-Policy requires from here. Browsers hide nonces from selectors.
window.__webpack_nonce__ = document.querySelector("style[nonce]").nonce;

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
async function refuseWithoutToken() {
  askForToken();
  return failure("Enter an API token first, at the top of the page.");
}

// -------------------------------------------------------------------------------------- the token

/** Use this token from now on; an empty one forgets the last. */
function setToken(credential) {
  const isThere = credential !== "";
  keepToken(credential);
  turn += 1;
  stopAll();
  about.hidden = !isThere;
  const fetcher = isThere ? fetcherWith(credential) : refuseWithoutToken;
  workbench.connect(fetcher, { hasSchema: isThere });
}

/** Find what the tour can show with this token, then use it. */
async function begin(credential) {
  report("busy", "Checking the token …");
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

watchToken(begin, () => setToken(""));
