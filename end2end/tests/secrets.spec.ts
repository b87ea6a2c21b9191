// What Microsoft hands out stays on the server, and sealed there.
import type { BrowserContext, Response } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

/** Everything that the server sends to the browser, as text. */
class Received {
  private readonly parts: Promise<[string, string]>[] = [];
  private stream = "";
  private readonly stop = new AbortController();

  private constructor(context: BrowserContext, origin: string) {
    context.on("response", (response) => {
      if (response.url().startsWith(origin)) this.parts.push(this.read(response));
    });
  }

  /** From now on. */
  static async from(context: BrowserContext, origin: string): Promise<Received> {
    const received = new Received(context, origin);
    // The event stream never ends, so its body can't be read from the browser; this one gets the same events.
    const cookies = (await context.cookies(origin)).map(({ name, value }) => `${name}=${value}`);
    const headers = { cookie: cookies.join("; ") };
    const answer = await fetch(`${origin}/api/events`, { headers, signal: received.stop.signal });
    expect(answer.status).toBe(200);
    void (async () => {
      for await (const chunk of answer.body ?? []) received.stream += Buffer.from(chunk).toString("latin1");
    })().catch(() => undefined);
    return received;
  }

  private async read(response: Response): Promise<[string, string]> {
    const headers = JSON.stringify(await response.headersArray().catch(() => []));
    if (response.url().endsWith("/api/events")) return [response.url(), headers];
    // A redirect has no body, and the body of a window that has closed is gone.
    const body = await response.body().catch(() => Buffer.alloc(0));
    return [response.url(), headers + body.toString("latin1")];
  }

  async all(): Promise<[string, string][]> {
    expect(this.stream).toContain("event: company");
    this.stop.abort();
    return [...(await Promise.all(this.parts)), ["/api/events", this.stream]];
  }
}

for (const access of ["application", "delegated"] as const) {
  test.describe(`${access} access`, () => {
    test.use({ access, settings: { TENANTRY_LOG: "trace" } });

    test("nothing that Microsoft issued is in answers, in the log, or readable in the database", async ({ app, page, context }) => {
      const received = await Received.from(context, app.url);
      const companies = await CompaniesPage.open(page);
      const [first, second] = app.tenants as [Tenant, Tenant];
      for (const tenant of [first, second]) {
        const popup = new MicrosoftWindow(await companies.signIn(tenant));
        await popup.complete(account(tenant));
        await companies.expectStatus(tenant, "Connected");
        await expect(companies.figure(tenant, /%/)).not.toHaveCount(0);
      }
      await page.reload();
      await companies.expectStatus(second, "Connected");

      const { client_secret } = await app.sandbox.app();
      const issued = await app.sandbox.issued();
      // At least a code and two tokens for each of the two.
      expect(issued.length).toBeGreaterThanOrEqual(6);
      const secrets = [...issued, client_secret];

      const places: [string, string][] = [
        ...(await received.all()),
        ["the log", app.log()],
        ...[...app.data()].map(([name, bytes]): [string, string] => [name, bytes.toString("latin1")]),
      ];
      expect(places.length).toBeGreaterThan(5);
      expect(app.log().length).toBeGreaterThan(1_000);
      for (const [place, text] of places) {
        const found = secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret.slice(0, 12)}…`);
        expect(found, place).toEqual([]);
      }
    });
  });
}
