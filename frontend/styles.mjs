// Makes frontend/styles.css of style/main.css and what it imports, so that the browser asks for one stylesheet.
import { readFileSync, writeFileSync } from "node:fs";

const style = new URL("../style/", import.meta.url);
const main = readFileSync(new URL("main.css", style), "utf8");
const whole = main.replace(
  /@import "(.+?)" layer\((\w+)\);/g,
  (_, path, layer) => `@layer ${layer} {\n${readFileSync(new URL(path, style), "utf8")}}`,
);
writeFileSync(new URL("styles.css", import.meta.url), whole);
