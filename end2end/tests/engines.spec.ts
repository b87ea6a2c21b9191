// The main stories in the other engines: Firefox, and the WebKit that GTK has.
import { spawnSync } from "node:child_process";
import { type App, expect, OWNER, test as base } from "../fixtures/app.ts";
import { COMPANIES } from "../fixtures/companies-page.ts";
import { type Engine, popup, type Profile, row, shows, type Tab, text } from "../fixtures/engines/engine.ts";
import { Firefox } from "../fixtures/engines/firefox.ts";
import { WebKit } from "../fixtures/engines/webkit.ts";
import { account, type Account, type Tenant } from "../fixtures/sandbox.ts";

const ENGINES = { firefox: Firefox, webkit: WebKit };

type Name = keyof typeof ENGINES;

type Started = (name: Name) => Promise<Engine>;

const test = base.extend<{ engine: Name; browsers: () => Promise<Profile> }, { started: Started }>({
  engine: ["firefox", { option: true }],

  /** Each engine, started when it is asked for the first time. */
  started: [
    async ({}, use) => {
      const all = new Map<Name, Promise<Engine>>();
      await use((name) => {
        const engine = all.get(name) ?? ENGINES[name].start();
        all.set(name, engine);
        return engine;
      });
      for (const engine of all.values()) await (await engine).stop();
    },
    { scope: "worker" },
  ],

  /** Starts somebody's browser. Of one in which a test fails there is a picture. */
  browsers: async ({ engine, started }, use, testInfo) => {
    testInfo.skip(!isThere(engine), `There is no ${engine} here.`);
    const profiles: Profile[] = [];
    await use(async () => {
      const profile = await (await started(engine)).profile();
      profiles.push(profile);
      return profile;
    });
    for (const profile of profiles) {
      const tabs = testInfo.status === testInfo.expectedStatus ? [] : await profile.tabs();
      for (const tab of tabs) {
        // Of what lies behind something else there may be none.
        const body = await tab.screenshot().catch(() => undefined);
        if (body) await testInfo.attach("picture", { body, contentType: "image/png" });
      }
      await profile.stop();
    }
  },
});

/** Where the tests have to prove something, nothing is left out. */
function isThere(engine: Name): boolean {
  return Boolean(process.env.CI) || spawnSync(process.execPath, ["scripts/engine.mjs", engine]).status === 0;
}

async function expectShown(tab: Tab, path: string): Promise<void> {
  await expect.poll(() => shows(tab, path), path).toBe(true);
}

/** Signs the MSP's owner in, and answers the page M365 companies. */
async function signIn(app: App, profile: Profile): Promise<Tab> {
  const tab = profile.first;
  await tab.go(app.url + COMPANIES);
  await tab.type("//input[@type='email']", OWNER.email);
  await tab.type("//input[@type='password']", OWNER.password);
  await tab.click(text("Sign in", "button"));
  await expectShown(tab, "//table[@aria-label='Companies']//td");
  return tab;
}

/** Signs in at Microsoft, and consents. */
async function consent(microsoft: Tab, { email, password }: Account): Promise<void> {
  await microsoft.type("//input[@name='email']", email);
  await microsoft.type("//input[@name='password']", password);
  await microsoft.click(text("Sign in", "button"));
  await microsoft.click(text("Accept", "button"));
}

async function expectClosed(profile: Profile, tab: Tab): Promise<void> {
  await expect.poll(async () => (await profile.tabs()).some(({ id }) => id === tab.id), "the window is open").toBe(false);
}

const status = (tenant: Tenant, word: string): string => row(tenant.name, text(word));

for (const engine of Object.keys(ENGINES) as Name[]) {
  test.describe(`in ${engine}`, () => {
    test.use({ engine });

    test("a company connects in a popup that closes itself, and again after its access was lost", async ({ app, browsers }) => {
      const profile = await browsers();
      const companies = await signIn(app, profile);
      const [tenant] = app.tenants as [Tenant];
      const signingIn = await popup(profile, () => companies.click(row(tenant.name, text("Sign in with Microsoft", "button"))));
      await expectShown(companies, status(tenant, "Signing in…"));
      await consent(signingIn, account(tenant));
      await expectClosed(profile, signingIn);
      await expectShown(companies, status(tenant, "Connected"));

      await app.sandbox.revokeConsent(tenant);
      await companies.click(row(tenant.name, "//button[@aria-label='More actions']"));
      await companies.click(row(tenant.name, text("Sync now")));
      await expectShown(companies, status(tenant, "Needs reconnect"));
      const again = await popup(profile, () => companies.click(row(tenant.name, text("Reconnect", "button"))));
      await consent(again, account(tenant));
      await expectClosed(profile, again);
      await expectShown(companies, status(tenant, "Connected"));
    });

    test("a link is copied with the click that makes it, and connects in somebody else's browser", async ({ app, browsers }) => {
      const companies = await signIn(app, await browsers());
      const [tenant, other] = app.tenants as [Tenant, Tenant];
      await companies.click(row(tenant.name, text("Generate Link", "button")));
      await expectShown(companies, "//input[@id='made-link']");
      await expectShown(companies, text("Copied to clipboard"));
      const link = await companies.evaluate<string>("document.getElementById('made-link').value");
      expect(link.startsWith(`${app.url}/c/`)).toBe(true);
      await companies.click(text("Close", "button"));
      await companies.paste("//input[@type='search']");
      await expect.poll(() => companies.evaluate("document.querySelector('input[type=search]').value")).toBe(link);

      // As on a page that came over plain http from another computer: what the browser does not copy, a person can.
      await companies.go(app.url + COMPANIES);
      await expectShown(companies, status(tenant, "Link sent"));
      await companies.evaluate('Object.defineProperty(navigator, "clipboard", { value: undefined }) && true');
      await companies.click(row(other.name, text("Generate Link", "button")));
      await expectShown(companies, text("Copy", "button"));
      const selected = `(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(
        document.activeElement)`;
      expect(await companies.evaluate(selected)).toContain(`${app.url}/c/`);
      await companies.click(text("Close", "button"));

      const { first: client } = await browsers();
      await client.go(link);
      await client.click(text("Continue to Microsoft", "button"));
      await consent(client, account(tenant));
      await expectShown(client, text(`${tenant.name} is connected`, "h1"));
      await expectShown(companies, status(tenant, "Connected"));
    });

    test("where the browser blocks the pop-up, the company connects in the same tab", async ({ app, browsers }) => {
      const companies = await signIn(app, await browsers());
      const [tenant] = app.tenants as [Tenant];
      await companies.go(app.url + COMPANIES);
      const button = row(tenant.name, text("Sign in with Microsoft", "button"));
      await expectShown(companies, button);
      // A click that is nobody's, once no other counts any more.
      await companies.evaluate(`new Promise((pressed) => {
        const found = document.evaluate(${JSON.stringify(button)}, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE);
        const press = () => {
          if (navigator.userActivation.isActive) return requestAnimationFrame(press);
          found.singleNodeValue.click();
          pressed(true);
        };
        press();
      })`);
      await expectShown(companies, "//*[@role='alert' and contains(., 'Your browser blocked the pop-up')]");
      await companies.click(text("Open in this tab", "button"));
      await consent(companies, account(tenant));
      await expectShown(companies, status(tenant, "Connected"));
      expect(await companies.evaluate("location.pathname")).toBe(COMPANIES);
    });
  });
}
