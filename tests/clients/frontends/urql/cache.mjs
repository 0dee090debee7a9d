// docs: urql-graphcache
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { JOB_SECRETS } from "./operations.mjs";

const SERVICES = ["Application", "Container", "Job", "Helm", "Terraform", "AgenticWorkflow"];
const HOLDERS = ["Project", "Environment", ...SERVICES];
const lists = { secrets: relayPagination(), visibleSecrets: relayPagination() };

export const normalizedCache = cacheExchange({
  possibleTypes: { Node: [...HOLDERS, "Secret"], SecretHolder: HOLDERS, Service: SERVICES },
  keys: { EffectiveSecret: () => null, SecretExplanation: () => null },
  resolvers: Object.fromEntries(HOLDERS.map((holder) => [holder, lists])),
  updates: {
    Mutation: {
      createJobSecretAlias({ createJobSecretAlias: { secretEdge } }, { jobId }, cache) {
        if (!secretEdge) return;
        cache.updateQuery({ query: JOB_SECRETS, variables: { jobId } }, (data) => {
          data?.job.secrets.edges.push(secretEdge);
          return data;
        });
      },
      deleteSecret({ deleteSecret: { deletedSecretIds, holder } }, _variables, cache) {
        if (!holder) return;
        const gone = new Set(deletedSecretIds.map((id) => `Secret:${id}`));
        for (const { fieldName, fieldKey } of cache.inspectFields(holder)) {
          if (fieldName !== "secrets") continue;
          const page = cache.resolve(holder, fieldKey);
          const edges = cache.resolve(page, "edges");
          cache.link(page, "edges", edges.filter((edge) => !gone.has(cache.resolve(edge, "node"))));
        }
        for (const key of gone) cache.invalidate(key);
      },
    },
  },
});
// end
