// Collects what /graphiql needs from three released packages into assets/. Needs Node 20 or newer and
// `npm ci`.
//
// Nothing is compiled. A missing file stops the build, and the folder is recreated each time, so it
// never holds a file of an older build.

import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PACKAGES = join(HERE, "node_modules");
const ASSETS = join(HERE, "assets");

/** What is served as it is: the name under assets/ and where it comes from. */
const COPIED = {
  "react.production.min.js": join(PACKAGES, "react/umd/react.production.min.js"),
  "react-dom.production.min.js": join(PACKAGES, "react-dom/umd/react-dom.production.min.js"),
};

/** Embedded font faces: they hold base64, so no brace but the last. */
const FONT_FACE = /@font-face\s*\{[^}]*\}\s*/g;

/** Copy GraphiQL's style sheet without its fonts.
 *
 * They are nine tenths of it, would need `font-src data:` in the Content-Security-Policy, and have
 * licences of their own. The pages' style sheet names system fonts instead.
 */
async function copyStyleWithoutFonts() {
  const style = await readFile(join(PACKAGES, "graphiql/graphiql.min.css"), "utf8");
  const slim = style.replace(FONT_FACE, "");
  if (slim.includes("@font-face") || slim.includes("data:font")) {
    throw new Error("graphiql.min.css still holds a font: FONT_FACE no longer matches them all");
  }
  await writeFile(join(ASSETS, "graphiql.min.css"), slim);
}

/** In GraphiQL's script: what an entry of the history is made of, and what a click on one sets. */
const HISTORY_ENTRY = /(\{query:(\w+)\.query\?\?void 0,)variables:\2\.variables\?\?void 0,/g;
const HISTORY_CLICK =
  /(\{query:(\w+),variables:(\w+),headers:\w+\}=\w+\.item;null==\w+\|\|\w+\.setValue\(\2\?\?""\),)null==\w+\|\|\w+\.setValue\(\3\?\?""\),/g;

/** Copy GraphiQL's script with a history without variables.
 *
 * Those may hold secret values, and GraphiQL has no setting for it. A click on an entry then leaves
 * the variables that are there.
 */
async function copyScriptWithoutVariablesInHistory() {
  const script = await readFile(join(PACKAGES, "graphiql/graphiql.min.js"), "utf8");
  const slim = [HISTORY_ENTRY, HISTORY_CLICK].reduce((text, pattern) => {
    if ([...text.matchAll(pattern)].length !== 1) {
      throw new Error(`graphiql.min.js has not one place that matches ${pattern}`);
    }
    return text.replace(pattern, "$1");
  }, script);
  await writeFile(join(ASSETS, "graphiql.min.js"), slim);
}

/** Return a heading and the licence text of one installed package. */
async function licenceOf(path) {
  const folder = join(HERE, path);
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const heading = `${name} ${version} (${license})`;
  const files = (await readdir(folder)).filter((file) => /^licen[cs]e/i.test(file)).sort();
  if (files.length === 0 && !license) {
    throw new Error(`${name} says nothing about its licence`);
  }
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const text = texts.join("\n").trim() || "The package names this licence and brings no text of it.";
  return `${heading}\n${"-".repeat(heading.length)}\n\n${text}\n`;
}

/** Write one file with the licences of every package in the lock: the bundle may hold any of them. */
async function writeLicences() {
  const lock = JSON.parse(await readFile(join(HERE, "package-lock.json"), "utf8"));
  const paths = Object.keys(lock.packages).filter((path) => path !== "");
  const licences = await Promise.all(paths.sort().map(licenceOf));
  await writeFile(join(ASSETS, "licences.txt"), licences.join("\n\n"));
}

await rm(ASSETS, { recursive: true, force: true });
await mkdir(ASSETS);
await Promise.all(Object.entries(COPIED).map(([name, from]) => cp(from, join(ASSETS, name))));
await copyStyleWithoutFonts();
await copyScriptWithoutVariablesInHistory();
await writeLicences();
