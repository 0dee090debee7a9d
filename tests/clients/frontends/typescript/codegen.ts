// docs: typescript-codegen
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../../schema/schema.graphql",
  importExtension: ".js",
  config: {
    defaultScalarType: "unknown",
    scalars: { DateTime: "string", ID: "string" },
    useTypeImports: true,
  },
  generates: {
    "src/gql/": { preset: "client", documents: "src/*.ts" },
    "src/operations.ts": { plugins: ["typescript-operations"], documents: "src/*.graphql" },
  },
};
export default config;
// end
