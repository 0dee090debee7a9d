// The secrets of a job, with urql and Graphcache, which keeps every secret once: pages join, and
// nothing is asked again after a new alias or a deletion.

import { errorsByField } from "../forms.mjs";
import { countRequests, jobId, targetId, tell, token, url } from "../given.mjs";
import { Screen } from "../screen.mjs";
import { normalizedCache } from "./cache.mjs";
import { makeClient } from "./client.mjs";
import { CREATE_ALIAS, DELETE_SECRET, JOB_SECRETS } from "./operations.mjs";

const requests = countRequests();
const client = makeClient(url, token, normalizedCache);
const screen = new Screen();
let endCursor;
const watched = client.query(JOB_SECRETS, { jobId }).subscribe(({ data }) => {
  ({ endCursor } = data.job.secrets.pageInfo);
  screen.show(data.job.secrets);
});
const nextPage = () => client.query(JOB_SECRETS, { jobId, after: endCursor });
const createAlias = (key) => client.mutation(CREATE_ALIAS, { jobId, secretId: targetId, key });

const pages = [await screen.once(() => true)];
await nextPage();
pages.push(await screen.once(({ keys }) => keys.length === 6));

const { data: created } = await createAlias("ZZ_ALIAS");
const withAlias = await screen.once(({ keys }) => keys.includes("ZZ_ALIAS"));
await nextPage();
pages.push(await screen.once(({ more }) => !more));

const { data: taken } = await createAlias("ZZ_ALIAS");
const fields = errorsByField(taken.createJobSecretAlias.errors);

const { data: deleted } = await client.mutation(DELETE_SECRET, { secretId: targetId });
const withoutTarget = await screen.once(({ keys }) => !keys.includes("KEY_1"));
watched.unsubscribe();

tell({
  pages,
  created: created.createJobSecretAlias,
  withAlias,
  fields,
  deletedSecretIds: deleted.deleteSecret.deletedSecretIds,
  withoutTarget,
  requests,
});
