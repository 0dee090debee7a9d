// The list of services that the token sees, to choose one by name.

import { Refused, readResult, send } from "./requests.js";

const picker = document.getElementById("picker");
const field = document.getElementById("find");
const found = document.getElementById("found");
const list = document.getElementById("services");
const more = document.getElementById("more");

/** How many services are listed before the page asks whether to look for more. */
const BATCH = 1000;

const PAGE = "pageInfo { hasNextPage endCursor } edges { node";
const SERVICES = `services(first: 50, after: $services) { ${PAGE} { id name serviceType } } }`;
const ENVIRONMENTS = `environments(first: 10, after: $environments) {
  ${PAGE} { id name ${SERVICES} } } }`;

/** One query per level: a long list goes on where it was cut off. */
const OF_ALL = `query Projects($projects: String, $environments: String, $services: String) {
  projects(first: 5, after: $projects) { ${PAGE} { id name ${ENVIRONMENTS} } } } }`;
const OF_PROJECT = `query Project($id: ID!, $environments: String, $services: String) {
  project(id: $id) { id name ${ENVIRONMENTS} } }`;
const OF_ENVIRONMENT = `query Environment($id: ID!, $services: String) {
  environment(id: $id) { id name ${SERVICES} } }`;

async function ask(credential, query, variables) {
  const { data, errors } = await readResult(await send({ query, variables }, credential));
  if (!data) {
    throw new Error(errors[0].message);
  }
  return data;
}

/** Yield every service that the token sees, with the names of the holders above it. */
async function* servicesOf(credential) {
  let projects = null;
  do {
    const { projects: page } = await ask(credential, OF_ALL, { projects });
    for (const { node } of page.edges) {
      yield* servicesIn(node, credential);
    }
    projects = next(page);
  } while (projects);
}

async function* servicesIn(project, credential) {
  let { environments: page } = project;
  for (;;) {
    for (const { node } of page.edges) {
      yield* servicesBelow(project, node, credential);
    }
    const environments = next(page);
    if (!environments) {
      return;
    }
    const asked = await ask(credential, OF_PROJECT, { id: project.id, environments });
    page = asked.project.environments;
  }
}

async function* servicesBelow(project, environment, credential) {
  let { services: page } = environment;
  for (;;) {
    yield* page.edges.map(({ node }) => ({ ...node, above: [project.name, environment.name] }));
    const services = next(page);
    if (!services) {
      return;
    }
    const asked = await ask(credential, OF_ENVIRONMENT, { id: environment.id, services });
    page = asked.environment.services;
  }
}

function next({ pageInfo }) {
  return pageInfo.hasNextPage ? pageInfo.endCursor : null;
}

// ------------------------------------------------------------------------------------- the list

/** The services that are not listed yet; null before the list is opened. */
let rest = null;

/** Called when the token is not accepted. */
let refused;

/** Return a list's entry, which is a link to the service's map. */
function entryOf({ id, name, serviceType, above }) {
  const link = Object.assign(document.createElement("a"), { href: id });
  const service = Object.assign(document.createElement("b"), { textContent: name });
  const kind = document.createElement("span");
  kind.textContent = serviceType.toLowerCase().replace("_", " ");
  link.append(`${above.join(" › ")} › `, service, " ", kind);
  const item = document.createElement("li");
  item.dataset.text = [...above, name, kind.textContent, id].join(" ").toLowerCase();
  item.append(link);
  return item;
}

/** List the next services. */
async function load(mine) {
  more.hidden = true;
  found.textContent = "Looking for services …";
  for (let count = 0; count < BATCH; count += 1) {
    const { done, value } = await mine.next();
    if (mine !== rest) {
      return;
    }
    if (done) {
      filter();
      return;
    }
    list.append(entryOf(value));
  }
  more.hidden = false;
  filter();
}

/** Load, or show why that failed. */
async function tryToLoad() {
  const mine = rest;
  try {
    await load(mine);
  } catch (problem) {
    if (mine === rest && problem instanceof Refused) {
      refused();
    } else if (mine === rest) {
      found.textContent = `The services could not be listed. ${problem.message}`;
    }
  }
}

/** Show the services whose path has every word that was typed. */
function filter() {
  const words = field.value.toLowerCase().split(/[\s›>/]+/);
  const items = [...list.children];
  for (const item of items) {
    item.hidden = !words.every((word) => item.dataset.text.includes(word));
  }
  const shown = items.filter((item) => !item.hidden).length;
  const all = more.hidden ? items.length : `the first ${items.length}`;
  found.textContent = items.length === 0 ? "This token sees no service." : `${shown} of ${all}`;
}

/** Offer the services of this token; an empty one takes the list away. */
export function offerServices(credential, onRefused) {
  rest = null;
  refused = onRefused;
  list.replaceChildren();
  field.value = "";
  picker.hidden = credential === "";
  picker.open = false;
  picker.ontoggle = () => {
    if (picker.open && rest === null && credential !== "") {
      rest = servicesOf(credential);
      void tryToLoad();
    }
  };
}

/** Show or hide the list. */
export function openPicker(isOpen) {
  picker.open = isOpen;
}

field.addEventListener("input", filter);
more.addEventListener("click", tryToLoad);
