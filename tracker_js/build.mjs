/**
 * Builds src/ into dist/, or with --check says what in dist/ differs from a fresh build.
 *
 * tracker.js is a classic script; the others are modules that it imports when needed. They are
 * addressed with ?v=VERSION, a digest of them all, so that caches never mix two releases.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const here = fileURLToPath(new URL(".", import.meta.url));
const src = join(here, "src");
const dist = join(here, "dist");
const NOTE = "";

const css = {
  name: "css as a minified text",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), {
        loader: "css",
        minify: true,
        target: ["chrome90", "safari14", "firefox88"],
      });
      return { contents: code.trim(), loader: "text" };
    }),
};

const bundle = async (entry, format, define) => {
  const { outputFiles } = await build({
    entryPoints: [join(src, entry)],
    bundle: true,
    minify: true,
    write: false,
    format,
    define,
    charset: "utf8",
    legalComments: "none",
    target: "es2021",
    plugins: [css],
    logLevel: "warning",
  });
  // A second look at what the bundler wrote saves another twentieth.
  const { code } = await minify(outputFiles[0].text, {
    ecma: 2020,
    module: format === "esm",
    toplevel: true,
    compress: { passes: 4, unsafe: true }, // unsafe: where somebody replaced Math or Date
  });
  return format === "iife" ? `try{${code.replace(/;$/, "")}}catch{}` : code;
};

const files = {};
const vendors = readdirSync(join(src, "open")).filter((name) => !name.startsWith("_"));
for (const name of ["prompt.js", "button.js", "stuck.js"]) files[name] = await bundle(name, "esm");
for (const name of vendors) files[`open-${name}`] = await bundle(`open/${name}`, "esm");

const version = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 8);
files["tracker.js"] = await bundle("tracker.js", "iife", { VERSION: JSON.stringify(version) });

const manifest = {};
for (const [name, text] of Object.entries(files).sort()) {
  const hash = (kind, form) => createHash(kind).update(text).digest(form);
  manifest[name] = {
    version: hash("sha256", "hex").slice(0, 8),
    integrity: `sha384-${hash("sha384", "base64")}`,
  };
  const gzip = gzipSync(text, { level: 9 }).length;
  const brotli = brotliCompressSync(text, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
  }).length;
  console.log(`${name.padEnd(20)} ${text.length} raw  ${gzip} gzip  ${brotli} brotli`);
}
files["manifest.json"] = `${JSON.stringify(manifest, null, 2)}\n`;

if (process.argv.includes("--check")) {
  const kept = Object.fromEntries(
    readdirSync(dist).map((name) => [name, readFileSync(join(dist, name), "utf8")]),
  );
  const names = new Set([...Object.keys(files), ...Object.keys(kept)]);
  const differing = [...names].filter((name) => files[name] !== kept[name]);
  if (differing.length) {
    console.error(`dist/ is not what src/ builds: ${differing.join(", ")}; run npm run build`);
    process.exit(1);
  }
} else {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dist, name), text);
}
