// Makes the files of a built site smaller, names them anew, and writes each compressed beside it: `node frontend/precompress.mjs DIR`.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { slim } from "./slim.mjs";

const [directory] = process.argv.slice(2);
if (!directory) {
  console.error("usage: node frontend/precompress.mjs DIR");
  process.exit(2);
}

slim(directory);
const scripts = readdirSync(directory).filter((name) => name.endsWith(".js")).map((name) => join(directory, name));
for (const script of scripts) {
  execFileSync("esbuild", ["--minify", "--format=esm", "--log-level=warning", "--allow-overwrite", `--outfile=${script}`, script]);
}

// Trunk named the program by what it was before. Whoever knows a name never asks for it again, so it is named by what it is
// now.
for (const program of readdirSync(directory).filter((name) => name.endsWith("_bg.wasm"))) {
  const before = program.slice(0, -"_bg.wasm".length);
  const files = [`${before}.js`, program].map((name) => join(directory, name));
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  const now = before.replace(/-[^-]*$/, `-${hash.digest("hex").slice(0, 16)}`);
  for (const file of files) renameSync(file, file.replace(before, now));
  const page = join(directory, "index.html");
  writeFileSync(page, readFileSync(page, "utf8").replaceAll(before, now));
}

const encodings = {
  ".br": (content) => brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  }),
  ".gz": (content) => gzipSync(content, { level: 9 }),
};

for (const name of readdirSync(directory, { recursive: true })) {
  const path = join(directory, name);
  const isCompressed = Object.keys(encodings).some((suffix) => name.endsWith(suffix));
  if (isCompressed || !statSync(path).isFile()) continue;
  for (const [suffix, compress] of Object.entries(encodings)) {
    const target = path + suffix;
    if (existsSync(target) && statSync(target).mtimeMs >= statSync(path).mtimeMs) continue;
    writeFileSync(target, compress(readFileSync(path)));
  }
}
