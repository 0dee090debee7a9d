// What somebody else does meanwhile, without a client worth the name.

import { jobId, token, url } from "../given.mjs";

async function ask(query, variables) {
  const answer = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data } = await answer.json();
  return data;
}

/** Create a secret of the job; answer its id. */
export async function create(key) {
  const document = /* GraphQL */ `
    mutation ($jobId: ID!, $key: String!) {
      createJobSecret(jobId: $jobId, input: { key: $key }) { secret { id } }
    }
  `;
  return (await ask(document, { jobId, key })).createJobSecret.secret.id;
}

/** Give a secret another key. */
export async function rename(secretId, key) {
  const document = /* GraphQL */ `
    mutation ($secretId: ID!, $key: String!) {
      editSecret(secretId: $secretId, input: { key: $key }) { secret { id } }
    }
  `;
  await ask(document, { secretId, key });
}

/** Delete a secret. */
export async function remove(secretId) {
  const document = /* GraphQL */ `
    mutation ($secretId: ID!) {
      deleteSecret(secretId: $secretId, withDependents: true) { deletedSecretIds }
    }
  `;
  await ask(document, { secretId });
}
