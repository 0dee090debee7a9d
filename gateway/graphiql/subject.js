// What the tour is about: a service and secrets that show something, so that every step runs as it
// stands. The page's address may name them; the rest is looked up with the token.

import { readResult, send } from "./requests.js";
import { UNKNOWN } from "./steps.js";

/** A UUID as the gateway spells it; any other spelling in the page's address is left out. */
const CANONICAL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const KEY = /^[A-Za-z][A-Za-z0-9_]{0,254}$/;

const FACTS = `fragment Facts on Secret {
  id
  key
  variableType
  aliasedSecret { id key variableType }
  overriddenSecret { id key variableType }
}`;

const FIND_SERVICES = `query FindServices {
  projects(first: 5) { edges { node { environments(first: 5) { edges { node {
    services(first: 10) { edges { node {
      id
      serviceType
      effectiveSecrets(first: 1) { totalCount }
    } } }
  } } } } } }
}`;

const FIND_SERVICE_OF_SECRET = `query FindServiceOfSecret($secretId: ID!) {
  secret(id: $secretId) { impact(first: 1) { edges { node { id } } } }
}`;

const LOOK_AT_SERVICE = `query LookAtService($serviceId: ID!, $secretId: ID!, $named: Boolean!) {
  service(id: $serviceId) {
    id
    name
    serviceType
    environment { name project { name } }
    effectiveSecrets(first: 100) { edges { node { key provenance secret { ...Facts } } } }
  }
  secret(id: $secretId) @include(if: $named) { ...Facts }
}
${FACTS}`;

const LOOK_AT_KEYS = `query LookAtKeys($serviceId: ID!, $prefix: String!) {
  changeCursor
  service(id: $serviceId) {
    effectiveSecrets(first: 100, filter: { keyPrefix: $prefix }) { edges { node { key } } }
  }
}`;

/** Return what the page's address names. A job is a service, under an older name. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const matching = (name, pattern) => {
    const text = given.get(name) ?? "";
    return pattern.test(text) ? text : null;
  };
  return {
    serviceId: matching("serviceId", CANONICAL_ID) ?? matching("jobId", CANONICAL_ID),
    secretId: matching("secretId", CANONICAL_ID),
    key: matching("key", KEY),
  };
}

/** Return the steps' subject as far as the address tells it. */
export function subjectNamed({ serviceId, secretId, key }) {
  return {
    ...UNKNOWN,
    serviceId: serviceId ?? UNKNOWN.serviceId,
    key: key ?? UNKNOWN.key,
    targetId: secretId ?? UNKNOWN.targetId,
    doomedId: secretId ?? UNKNOWN.doomedId,
  };
}

const nodes = (connection) => (connection?.edges ?? []).map(({ node }) => node);

async function ask(query, variables, credential) {
  const { data } = await readResult(await send({ query, variables }, credential));
  return data ?? {};
}

/** Return the id of the service that has most to show; of equals, a job. Null if there is none. */
async function findService(credential) {
  const { projects } = await ask(FIND_SERVICES, {}, credential);
  const services = nodes(projects)
    .flatMap((project) => nodes(project.environments))
    .flatMap((environment) => nodes(environment.services));
  const worth = (it) => 2 * it.effectiveSecrets.totalCount + (it.serviceType === "JOB" ? 1 : 0);
  return services.sort((one, other) => worth(other) - worth(one))[0]?.id ?? null;
}

async function findServiceOf(secretId, credential) {
  const { secret } = await ask(FIND_SERVICE_OF_SECRET, { secretId }, credential);
  return nodes(secret?.impact)[0]?.id ?? null;
}

/** Return what can be given another key: the secret itself, or what it is an alias of. */
const aliasable = (secret) => secret.aliasedSecret ?? secret;

/** Return the target for the alias: best a built-in one, which has a key that nobody chose. */
function chooseTarget(entries) {
  const candidates = entries.map(({ secret }) => aliasable(secret));
  return candidates.find((it) => it.variableType === "BUILT_IN") ?? candidates[0];
}

/** Return what the deletion is about: best what most aliases and overrides refer to. */
function chooseDoomed(entries) {
  const deletable = (it) => it && it.variableType !== "BUILT_IN";
  const referred = entries
    .flatMap(({ secret }) => [secret.aliasedSecret, secret.overriddenSecret])
    .filter(deletable);
  const count = ({ id }) => referred.filter((it) => it.id === id).length;
  const most = referred.sort((one, other) => count(other) - count(one))[0];
  return most ?? entries.map(({ secret }) => secret).find(deletable) ?? chooseTarget(entries);
}

function chooseKey(entries) {
  const first = (provenance) => entries.find((it) => it.provenance === provenance);
  return (first("OVERRIDE") ?? first("ALIAS") ?? entries[0])?.key;
}

/** Return a key of this kind that is not taken. */
function freeKey(stem, taken) {
  const numbered = [stem, ...taken.map((_, index) => `${stem}_${index + 2}`)];
  return numbered.find((key) => !taken.includes(key));
}

/** Return a key for an alias of the target. */
const stemOf = (target) => `MY_${target.key.replace(/^QOVERY_/, "")}`.slice(0, 250);

/** Return the service, what the steps can show of it, and its newest change cursor. */
async function subjectOf(named, service, secret, credential) {
  const entries = nodes(service.effectiveSecrets);
  const target = secret ? aliasable(secret) : chooseTarget(entries);
  const doomed = secret ?? chooseDoomed(entries);
  const stem = target ? stemOf(target) : UNKNOWN.aliasKey;
  const now = await ask(LOOK_AT_KEYS, { serviceId: service.id, prefix: stem }, credential);
  return {
    service,
    serviceId: service.id,
    serviceType: service.serviceType,
    key: named.key ?? secret?.key ?? chooseKey(entries) ?? UNKNOWN.key,
    targetId: target?.id ?? UNKNOWN.targetId,
    aliasKey: freeKey(stem, nodes(now.service?.effectiveSecrets).map(({ key }) => key)),
    doomedId: doomed?.id ?? UNKNOWN.doomedId,
    cursor: now.changeCursor ?? null,
  };
}

/**
 * Find what the tour is about: what is named, and for the rest what shows most. Without a service
 * that the token sees, it is only what is named.
 *
 * Throws what `send` throws.
 */
export async function findSubject(named, credential) {
  const { secretId } = named;
  const serviceId =
    named.serviceId ??
    (secretId && (await findServiceOf(secretId, credential))) ??
    (await findService(credential));
  if (!serviceId) {
    return subjectNamed(named);
  }
  const wanted = { serviceId, secretId: secretId ?? "", named: secretId !== null };
  const { service, secret } = await ask(LOOK_AT_SERVICE, wanted, credential);
  return service ? subjectOf(named, service, secret, credential) : subjectNamed(named);
}
