// Why a service sees what it sees: a document in a file of its own, typed by typescript-operations.

import type { Client } from "@urql/core";
import type { WhyQuery, WhyQueryVariables } from "./operations.js";

/** Say in words where the service gets the key from. */
export async function explain(
  client: Client,
  document: string,
  variables: WhyQueryVariables,
): Promise<string> {
  const { data } = await client.query<WhyQuery, WhyQueryVariables>(document, variables);
  const explained = data?.explainSecret;
  if (!explained?.effective) return `${variables.key}: ${explained?.absence ?? "no such service"}`;
  const { provenance, secret } = explained.effective;
  return `${variables.key}: ${provenance}, since ${new Date(secret.createdAt).getUTCFullYear()}`;
}
