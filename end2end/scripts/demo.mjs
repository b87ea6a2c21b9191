// What end2end/demo/run.sh asks of the network:
//
//   demo.mjs free PORT…        ends with status 1, and says which, if one of the ports is taken
//   demo.mjs wait URL          waits until the URL answers with success, at most a minute
//   demo.mjs app SANDBOX       the app registration that the sandbox accepts: id and secret, a line each
//   demo.mjs sign-in SANDBOX   how to sign in at the sandbox, for people
import { createServer } from "node:net";

const [command, ...rest] = process.argv.slice(2);

const json = async (url) => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
};

// The browser may try either address for "localhost", so both must be free. A machine without IPv6 has only one.
const taken = async (port) => {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer();
    const error = await new Promise((resolve) => {
      server.once("error", (error) => resolve(error.code));
      server.listen(port, host, () => server.close(() => resolve()));
    });
    if (error && error !== "EADDRNOTAVAIL" && error !== "EAFNOSUPPORT") return error;
  }
};

const commands = {
  async free(...ports) {
    for (const port of ports) {
      const error = await taken(Number(port));
      if (!error) continue;
      const why = error === "EADDRINUSE" ? "is in use by another program" : `can't be used (${error})`;
      console.error(`Port ${port} ${why}.`);
      process.exitCode = 1;
    }
  },
  async wait(url) {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    console.error(`${url} does not answer.`);
    process.exitCode = 1;
  },
  async app(sandbox) {
    const { client_id, client_secret } = await json(`${sandbox}/_sandbox/app`);
    console.log(`${client_id}\n${client_secret}`);
  },
  async "sign-in"(sandbox) {
    const tenants = await json(`${sandbox}/_sandbox/tenants`);
    const rows = tenants.slice(0, 3).map(({ name, accounts }) => {
      const { email, password } = accounts.find(({ role }) => /global administrator/i.test(role)) ?? accounts[0];
      return [name, email, password];
    });
    const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
    for (const [name, email, password] of rows) {
      console.log(`    ${name.padEnd(widths[0])}   ${email.padEnd(widths[1])}   ${password}`);
    }
    console.log(`  and likewise, as admin@ its domain, for the other ${tenants.length - rows.length}.`);
  },
};

await commands[command](...rest);
