// Builds the programs on Relay as a frontend's tools do: relay-compiler reads their documents, Babel
// puts what it makes of them in their place, a bundler joins it all.

import { transformAsync } from "@babel/core";
import { build } from "esbuild";
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import compiler from "relay-compiler";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PLUGIN = createRequire(import.meta.url).resolve("babel-plugin-relay");

const relay = {
  name: "relay",
  setup({ onLoad }) {
    onLoad({ filter: /relay[\\/]\w+\.js$/ }, async ({ path }) => {
      const plugins = [[PLUGIN, { eagerEsModules: true }]];
      const options = { filename: path, plugins, configFile: false };
      const { code } = await transformAsync(await readFile(path, "utf8"), options);
      return { contents: code };
    });
  },
};

await rm(join(HERE, "__generated__"), { recursive: true, force: true });
await promisify(execFile)(compiler, ["relay.config.json"], { cwd: HERE });
await build({
  entryPoints: [join(HERE, "secrets.js"), join(HERE, "watch.js")],
  outdir: join(HERE, "build"),
  bundle: true,
  platform: "node",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  external: ["graphql-sse", "graphql-ws", "ws"],
  plugins: [relay],
});
