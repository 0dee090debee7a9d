// The tour's subject: a service and secrets with which every step runs unchanged. The page's
// address can name them; the rest is looked up with the token.

import { readResult, send } from "./requests.js";
import { UNKNOWN } from "./steps.js";

/** A UUID as the gateway writes it. Other spellings in the page's address are ignored. */
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

/** Return what the page's address names. `jobId` is the older name of `serviceId`. */
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

/** Return the steps' subject as far as the address names it. */
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

/** Return the id of the service with the most secrets, preferring a job; null if there is none. */
async function findService(credential) {
  const { projects } = await ask(FIND_SERVICES, {}, credential);
  const services = nodes(projects)
    .flatMap((project) => nodes(project.environments))
    .flatMap((environment) => nodes(environment.services));
  const worth = (service) =>
    2 * service.effectiveSecrets.totalCount + (service.serviceType === "JOB" ? 1 : 0);
  return services.sort((one, other) => worth(other) - worth(one))[0]?.id ?? null;
}

async function findServiceOf(secretId, credential) {
  const { secret } = await ask(FIND_SERVICE_OF_SECRET, { secretId }, credential);
  return nodes(secret?.impact)[0]?.id ?? null;
}

/** Return what an alias can have as its target: the secret itself, or its target. */
const aliasable = (secret) => secret.aliasedSecret ?? secret;

/** Return the alias's target: preferably a built-in secret, since its key cannot be chosen. */
function chooseTarget(entries) {
  const candidates = entries.map(({ secret }) => aliasable(secret));
  return candidates.find((it) => it.variableType === "BUILT_IN") ?? candidates[0];
}

/** Return the secret to delete: preferably the one with the most aliases and overrides. */
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

/** Return a key with this stem that is not taken. */
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
 * Find the tour's subject: what the address names, and for the rest what has most to show. If the
 * token sees no service, it is only what the address names.
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
