import { execFileSync } from "node:child_process";
import { defineConfig } from "@playwright/test";
import type { AppOptions } from "./fixtures/app.ts";

const executablePath = execFileSync(process.execPath, ["scripts/chromium.mjs"], {
  cwd: import.meta.dirname,
  encoding: "utf8",
}).trim();

export default defineConfig<AppOptions>({
  testDir: "tests",
  outputDir: "test-results",
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  // A test starts two programs and a browser; on a busy machine that takes its time.
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    // A film of every test is a third of what all of them cost; what the page was at each step stays, and the last picture.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
    locale: "en-US",
    // Nothing is tested about what moves, and painting it takes a seventh of the time.
    contextOptions: { reducedMotion: "reduce" },
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
      // As in people's browsers: a popup opens only in answer to a click.
      ignoreDefaultArgs: ["--disable-popup-blocking"],
    },
  },
});
