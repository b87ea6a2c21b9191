// Makes the files of a built site smaller, and writes each compressed beside it: `node frontend/precompress.mjs DIR`.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
