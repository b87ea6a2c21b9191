// Prints the path of a Chromium that runs: the one in the variable CHROMIUM, the system's, or Playwright's.
// Ends with status 1 if there is none.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "@playwright/test";

const names = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"];
const candidates = [
  process.env.CHROMIUM,
  ...names.flatMap((name) => process.env.PATH.split(delimiter).map((folder) => join(folder, name))),
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  chromium.executablePath(),
];

// A name may be a stub that only says how to install the browser.
const runs = (path) => {
  try {
    return /^(Chromium|Google Chrome)/.test(execFileSync(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return false;
  }
};

const found = candidates.find((path) => path && existsSync(path) && runs(path));
if (!found) process.exit(1);
console.log(found);
