// Runs the compiled program.

import { readFile } from "node:fs/promises";
import { errorsByField } from "../forms.mjs";
import { jobId, targetId, tell, token, url } from "../given.mjs";
import { createAlias, readKeys } from "./build/secrets.js";
import { explain } from "./build/why.js";
import { makeClient } from "../urql/client.mjs";

const client = makeClient(url, token);
const why = await readFile(new URL("src/why.graphql", import.meta.url), "utf8");

const pages = await readKeys(client, jobId);
const created = await createAlias(client, { jobId }, targetId, "ZZ_ALIAS");
const taken = await createAlias(client, { jobId }, targetId, "ZZ_ALIAS");
const explained = [
  await explain(client, why, { serviceId: jobId, key: "ZZ_ALIAS" }),
  await explain(client, why, { serviceId: jobId, key: "ZZ_NOWHERE" }),
];

tell({ pages, created, taken, fields: errorsByField(taken.errors), explained });
