const output = (persistedDocuments) => ({
  preset: "client",
  documents: ["codegen/operations.ts"],
  presetConfig: { persistedDocuments },
});

export default {
  schema: "../../../schema/schema.graphql",
  generates: {
    "made/": output(true),
    // As older versions did by themselves.
    "made-sha1/": output({ hashAlgorithm: "sha1" }),
  },
};
