// Makes a stylesheet for each program, of style/PROGRAM.css and what that imports, so that the browser asks for one file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const style = new URL("../style/", import.meta.url);

for (const name of ["companies.css", "data.css", "records.css", "links.css", "pages.css"]) {
  const list = readFileSync(new URL(name, style), "utf8");
  const whole = list.replace(
    /@import "(.+?)" layer\((\w+)\);/g,
    (_, path, layer) => `@layer ${layer} {\n${readFileSync(new URL(path, style), "utf8")}}`,
  );
  const target = new URL(name, import.meta.url);
  // One that is newer than the other program would make that one be built again.
  if (!existsSync(target) || readFileSync(target, "utf8") !== whole) writeFileSync(target, whole);
}
