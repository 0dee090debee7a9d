// The tour: one operation per step, each in its own tab, ready to run.

/** The steps' subject before anything is known. */
export const UNKNOWN = {
  serviceId: "<a service's id>",
  serviceType: "JOB",
  key: "<a key>",
  targetId: "<a secret's id>",
  aliasKey: "MY_ALIAS",
  doomedId: "<a secret's id>",
  cursor: null,
};

/** Return the field of SecretHolderRef: agenticWorkflowId for AGENTIC_WORKFLOW. */
const idField = (serviceType) =>
  `${serviceType.toLowerCase().replace(/_(.)/g, (_, first) => first.toUpperCase())}Id`;

/** Name a service as the schema's SecretHolderRef does. */
const holder = ({ serviceType, serviceId }) => ({ [idField(serviceType)]: serviceId });

/** Each step: its tab's name, its button, what to look for, its variables and its operation. */
export const STEPS = [
  {
    name: "WhatItSees",
    title: "What it sees, and why",
    story:
      "One entry per key: where it comes from, what it hides, whose value it gets. At the end of " +
      "the response, explainSecret gives the reason for one key.",
    variables: ({ serviceId, key }) => ({ serviceId, key }),
    query: `# What a service sees, and why. No field here
# returns a value.
query WhatItSees($serviceId: ID!, $key: String!) {
  service(id: $serviceId) {
    name
    effectiveSecrets(first: 20) {
      totalCount
      edges {
        node {
          key
          provenance
          definedAt { name }
          # What it hides, the nearest first.
          shadows { scope variableType }
          # Itself, or what it is an alias of.
          resolvesTo { key scope }
        }
      }
    }
  }
  # The reason for one key. Try another key, also
  # one that does not exist.
  explainSecret(serviceId: $serviceId, key: $key) {
    key
    rule
    absence
    effective {
      secret { scope variableType }
      shadows { scope variableType }
    }
    aliasHops { key scope }
  }
}
`,
  },
  {
    name: "CreateAlias",
    title: "Create an alias",
    story:
      "A second key for a secret that the service sees. An alias follows its target. This step " +
      "writes: if you run it twice, errors names the secret that has the key.",
    variables: (subject) => ({
      key: subject.aliasKey,
      secretId: subject.targetId,
      holder: holder(subject),
    }),
    query: `# Gives a secret a second key. With dryRun: true
# beside the input, it only shows the result.
mutation CreateAlias(
  $key: String!
  $secretId: ID!
  $holder: SecretHolderRef!
) {
  createSecretAlias(
    holder: $holder
    secretId: $secretId
    input: { key: $key }
  ) {
    secret {
      id
      key
      scope
      variableType
      aliasedSecret { key scope variableType }
    }
    # Empty if it worked; otherwise the reason.
    errors { code message path }
  }
}
`,
  },
  {
    name: "WhatWouldBreak",
    title: "What would break",
    story:
      "Before you delete a secret: dependents are the aliases and overrides that go with it, " +
      "impact lists every service whose secrets would change.",
    variables: ({ doomedId }) => ({ secretId: doomedId }),
    query: `# What would break if I deleted this secret?
query WhatWouldBreak($secretId: ID!) {
  secret(id: $secretId) {
    key
    holder { name }
    # The aliases and overrides deleted with it.
    dependents(first: 20) {
      totalCount
      edges {
        node {
          id
          key
          variableType
          holder { name }
        }
      }
    }
    # The services whose secrets would change.
    impact(of: DELETE, first: 20) {
      totalCount
      edges {
        node { name serviceType }
      }
    }
  }
}
`,
  },
  {
    name: "TryDeletion",
    title: "Try the deletion",
    story:
      "The mutation that deletes, as a dry run: it shows what would be deleted, and writes " +
      "nothing. Every mutation has dryRun.",
    variables: ({ doomedId }) => ({ secretId: doomedId }),
    query: `# Shows what would be deleted, and deletes nothing.
# Without dryRun, it deletes.
mutation TryDeletion($secretId: ID!) {
  deleteSecret(secretId: $secretId, withDependents: true, dryRun: true) {
    # The secret, and what depends on it.
    deletedSecretIds
    holder { name }
    errors { code message }
  }
}
`,
  },
  {
    name: "WatchChanges",
    title: "Watch changes",
    story:
      "A subscription: first what has changed since you opened the page, then each change as it " +
      "happens, the newest on top. The same button stops it.",
    variables: (subject) => ({ after: subject.cursor, holder: holder(subject) }),
    query: `# Each change of what it sees, as it happens. To
# continue later, pass the last cursor as \`after\`.
subscription WatchChanges(
  $after: String
  $holder: SecretHolderRef!
) {
  secretChanged(
    holder: $holder
    includeInherited: true
    after: $after
  ) {
    at
    kind
    key
    # Null once it is deleted.
    secret { scope variableType version }
    holder { name }
    cursor
  }
}
`,
  },
];

/** What a new tab begins with. */
export const NEW_TAB = `# A query of your own. Run this one as it is, or
# change it: Ctrl+Space lists what can stand where
# the cursor is.
query WhereSecretsAre {
  projects(first: 5) {
    edges {
      node {
        name
        environments(first: 5) {
          edges {
            node {
              name
              services(first: 5) {
                edges { node { id name serviceType } }
              }
            }
          }
        }
      }
    }
  }
}
`;

/** Return a step's variables as the text of its tab. */
export function pretty(variables) {
  return JSON.stringify(variables, null, 2);
}

function sameJson(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Return a tab's variables with what is known now. Only values that the tour wrote are replaced;
 * values that a person has typed stay.
 */
export function refilled(text, before, now) {
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    return text;
  }
  const renewed = Object.entries(Object(given)).map(([name, value]) => [
    name,
    name in now && sameJson(value, before[name]) ? now[name] : value,
  ]);
  return sameJson(Object.fromEntries(renewed), given) ? text : pretty(Object.fromEntries(renewed));
}
