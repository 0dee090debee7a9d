// The same reads and writes by mercurius with its JIT, over better-sqlite3: one process, everything
// in it synchronous. `node server.mjs DATABASE PORT`.
import { randomUUID } from "node:crypto";

import Database from "better-sqlite3";
import Fastify from "fastify";
import mercurius from "mercurius";

const [path, port] = process.argv.slice(2);
const database = new Database(path);
database.pragma("synchronous = FULL");

const CHAIN = `(SELECT :job
  UNION ALL SELECT environment_id FROM holder WHERE id = :job
  UNION ALL SELECT project_id FROM holder WHERE id = :job)`;
const visible = database.prepare(`
  SELECT s.id, s.key, s.scope, s.variable_type AS variableType, s.mount_path AS mountPath,
    s.description, s.owned_by AS ownedBy, s.created_at AS createdAt, s.updated_at AS updatedAt,
    s.version, t.id AS targetId, t.key AS targetKey, t.scope AS targetScope
  FROM secret s LEFT JOIN secret t ON t.id = s.target_id AND s.variable_type = 'ALIAS'
  WHERE s.holder_id IN ${CHAIN} ORDER BY s.list_rank, s.key LIMIT :first`);
const delivered = database.prepare(`
  SELECT s.key, v.value, max(s.list_rank) FROM secret s
  JOIN secret_value v ON v.secret_id = iif(s.variable_type = 'ALIAS', s.target_id, s.id)
  WHERE s.holder_id IN ${CHAIN} GROUP BY s.key ORDER BY s.key`);
const findTarget = database.prepare("SELECT id, key, scope FROM secret WHERE id = ?");
const insert = database.prepare(`
  INSERT INTO secret VALUES (?, ?, 'JOB', 'ALIAS', NULL, NULL, 'QOVERY', ?, ?, 1, ?, ?, 20)`);

const schema = `
  enum SecretScope { BUILT_IN PROJECT ENVIRONMENT JOB }
  enum VariableType { VALUE FILE ALIAS OVERRIDE BUILT_IN EXTERNAL_SECRET }
  type SecretAlias { id: ID! key: String! scope: SecretScope! }
  type Secret {
    id: ID! key: String! scope: SecretScope! variableType: VariableType! mountPath: String
    description: String ownedBy: String! createdAt: String! updatedAt: String! version: Int!
    aliasedSecret: SecretAlias
  }
  type SecretEdge { node: Secret! }
  type SecretConnection { edges: [SecretEdge!]! }
  type Job { id: ID! visibleSecrets(first: Int!): SecretConnection! }
  type RuntimeSecret { key: String! value: String! }
  type Query { job(id: ID!): Job runtimeSecrets(serviceId: ID!): [RuntimeSecret!]! }
  input SecretAliasInput { key: String! }
  type MutationError { code: String! message: String! }
  type SecretPayload { secret: Secret errors: [MutationError!]! }
  type Mutation {
    createJobSecretAlias(jobId: ID!, secretId: ID!, input: SecretAliasInput!): SecretPayload!
  }`;

function toNode({ targetId, targetKey, targetScope, ...secret }) {
  const target = { id: targetId, key: targetKey, scope: targetScope };
  return { node: { ...secret, aliasedSecret: targetId === null ? null : target } };
}

function createAlias(_, { jobId, secretId, input }) {
  const target = findTarget.get(secretId);
  const id = randomUUID();
  const now = new Date().toISOString();
  insert.run(id, input.key, now, now, jobId, secretId);
  const secret = {
    id, key: input.key, scope: "JOB", variableType: "ALIAS", mountPath: null, description: null,
    ownedBy: "QOVERY", createdAt: now, updatedAt: now, version: 1, aliasedSecret: target,
  };
  return { secret, errors: [] };
}

const resolvers = {
  Query: {
    job: (_, { id }) => ({ id }),
    runtimeSecrets: (_, { serviceId }) => delivered.all({ job: serviceId }),
  },
  Job: {
    visibleSecrets: ({ id }, { first }) => ({ edges: visible.all({ job: id, first }).map(toNode) }),
  },
  Mutation: { createJobSecretAlias: createAlias },
};

const app = Fastify();
app.register(mercurius, { schema, resolvers, jit: 1 });
await app.listen({ host: "127.0.0.1", port: Number(port) });
