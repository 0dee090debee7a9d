// What must not compile: each line that ends in "refused" is an error, and no other one is.

import type { Client } from "@urql/core";
import type { SecretHolderRef, SecretsQuery } from "./gql/graphql.js";
import { createAlias, readKeys } from "./secrets.js";

const id = "7d1e5b36-9d7c-4a53-8d3c-0d6a7b7f5c11";

export const holders: SecretHolderRef[] = [
  { jobId: id },
  { helmId: id },
  { jobId: id, helmId: id }, // refused
  {}, // refused
  { jobId: null }, // refused
  { databaseId: id }, // refused
];

export async function misuse(client: Client, answer: SecretsQuery) {
  await readKeys(client, id);
  await readKeys(client, 7); // refused
  await createAlias(client, { jobId: id }, id, "KEY");
  await createAlias(client, id, id, "KEY"); // refused
  const { secret, errors } = await createAlias(client, { jobId: id }, id, "KEY");
  secret.id; // refused
  errors[0].message; // refused
  answer.job?.secrets.edges[0]?.node.key;
  answer.job.secrets; // refused
  answer.job?.secrets.edges[0]?.node.value; // refused
  answer.job?.secrets.edges[0]?.node.variableType === "CLEAR"; // refused
}
