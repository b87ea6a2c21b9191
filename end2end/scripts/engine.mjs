// Prints the path of a browser that the tests use beside Chromium, if there is one:
//
//   engine.mjs firefox    the one in the variable FIREFOX, or the system's
//   engine.mjs webkit     what drives the WebKit that GTK has, if there is a display too on which nobody sees it
//
// Ends with status 1 if there is none.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const inPath = (...names) =>
  names.flatMap((name) => process.env.PATH.split(delimiter).map((folder) => join(folder, name))).filter(existsSync);

// A name may be a stub that only says how to install the browser.
const runs = (path) => {
  try {
    return /^Mozilla Firefox/.test(execFileSync(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return false;
  }
};

const engines = {
  firefox: () =>
    [process.env.FIREFOX, ...inPath("firefox-esr", "firefox"), "/Applications/Firefox.app/Contents/MacOS/firefox"].find(
      (path) => path && existsSync(path) && runs(path),
    ),
  webkit: () => (inPath("Xvfb").length > 0 ? inPath("WebKitWebDriver")[0] : undefined),
};

const found = engines[process.argv[2]]();
if (!found) process.exit(1);
console.log(found);
