// The bar above GraphiQL: a button for each step of the tour, and what to look for in it.

import { STEPS } from "./steps.js";

const list = document.getElementById("steps");
const story = document.getElementById("story");
const about = document.getElementById("about");

const KINDS = {
  HELM: "Helm chart",
  TERRAFORM: "Terraform stack",
  AGENTIC_WORKFLOW: "agentic workflow",
};

/** Show the steps. A click on a step calls `open` with it. */
export function showSteps(open) {
  list.replaceChildren(...STEPS.map((step, index) => itemOf(step, index, open)));
}

function itemOf(step, index, open) {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  const number = Object.assign(document.createElement("span"), { textContent: index + 1 });
  button.dataset.step = step.name;
  button.append(number, ` ${step.title}`);
  button.addEventListener("click", () => open(step));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

/** Mark the step of the active tab, and show its text. Other tabs have no step. */
export function markStep(name) {
  const step = STEPS.find((it) => it.name === name);
  for (const button of list.querySelectorAll("button")) {
    if (button.dataset.step === name) {
      button.setAttribute("aria-current", "step");
    } else {
      button.removeAttribute("aria-current");
    }
  }
  const words = step?.story ?? "A tab of your own. Press a step to continue the tour.";
  if (story.textContent !== words) {
    story.textContent = words;
  }
}

/** Show the steps' subject, as far as it is known. */
export function tellAbout({ service }) {
  about.textContent = service
    ? `${service.name} (${kindOf(service)}) in ${placeOf(service)}`
    : "This token sees no service to show. Put ids into the variables, or enter another token.";
}

/** Return the kind in words: a Helm chart and a Terraform stack keep their names. */
function kindOf({ serviceType }) {
  return KINDS[serviceType] ?? serviceType.toLowerCase();
}

function placeOf({ environment }) {
  return `${environment.project.name} / ${environment.name}`;
}
